package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cachenet/cachenet/bench/recording"
)

// plan is what a benchmark is asked for.
type plan struct {
	Sizes      []string // of frames, WIDTHxHEIGHT
	Contenders []string // ids; empty: all
	Rounds     int      // interleaved
	Frames     int      // of each stream instead of the size's own; 0: the size's own
	Streams    int
	Chunk      int // frames of one stream that follow one another in the topic
	Partitions int
	Limit      time.Duration // for one run of one contender
	Budget     time.Duration // no round begins after this; there is always one
	Latency    bool          // measure it too
	Sweep      bool          // find each peer's best setting; else the first is taken
	Earlier    string        // results.json whose searches rule out settings; empty: none

	cores    int          // that contenders may use; 0: all
	unjudged bool         // rows are counted, answers are not compared with the full model's
	settled  []sizeResult // settings of an earlier benchmark, used instead of a search
	earlier  []sizeResult // of kept results: settings that their searches ruled out are not tried again
	done     []sizeResult // of this benchmark

	Cachenet string   // binary
	Also     []string // NAME=BINARY: other builds of cachenet to compare with
	Loop     string   // binary of bench/loop
	Python   string   // interpreter that has bench/peers/requirements.txt
	Peers    string   // folder of the Python package
	Pack     string
	Cache    string // where recordings are kept
	Out      string // folder for results.json and results.md
}

// size is a size of frames, and how many of them make a run long enough to measure and short enough to bear.
type size struct {
	name          string
	width, height int
	long, short   int // frames of each stream: where small nets answer; where the full model answers all
}

var sizes = []size{
	{"32x32", 32, 32, 1000, 160},
	{"640x480", 640, 480, 200, 80},
	{"1280x720", 1280, 720, 100, 40},
}

const seed = 1

// size finds a size by its name.
func (p plan) size(name string) (size, error) {
	i := slices.IndexFunc(sizes, func(s size) bool { return s.name == name })
	if i < 0 {
		return size{}, fmt.Errorf("size %q: must be one of 32x32, 640x480, 1280x720", name)
	}
	s := sizes[i]
	if p.Frames > 0 {
		s.long, s.short = p.Frames, max(2, p.Frames*s.short/s.long)
	}
	return s, nil
}

func (p plan) header(s size) recording.Header {
	return recording.Header{Width: s.width, Height: s.height, Streams: p.Streams, Frames: s.long, Active: 3, Dwell: 150, Chunk: p.Chunk, Seed: seed}
}

func (p plan) validate() error {
	if p.Rounds < 1 || p.Streams < 1 || p.Chunk < 1 || p.Partitions < 1 || p.Frames < 0 || p.Frames == 1 {
		return errors.New("rounds, streams, chunk and partitions must be at least 1, frames at least 2")
	}
	for _, name := range p.Sizes {
		if _, err := p.size(name); err != nil {
			return err
		}
	}
	return nil
}
