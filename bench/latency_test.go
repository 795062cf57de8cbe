package main

import (
	"path/filepath"
	"testing"

	"github.com/cachenet/cachenet/bench/recording"
	"github.com/cachenet/cachenet/connectors/broker"
	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// One frame of each stream in turn, numbered in order; apart, the streams are at different places of their recordings, and each
// frame of a stream still comes once.
func TestFramesComeInTurn(t *testing.T) {
	h := recording.Header{Width: 32, Height: 32, Streams: 3, Frames: 4, Active: 2, Dwell: 6, Chunk: 2, Seed: 1}
	path := filepath.Join(t.TempDir(), "frames")
	if err := recording.Make(path, h); err != nil {
		t.Fatal(err)
	}
	rec, err := recording.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	recorded := map[[2]int]string{}
	for f := range rec.All(h.Frames) {
		recorded[[2]int{f.Stream, f.Sequence}] = string(f.Image)
	}
	for o, from := range map[order][]int{together: {0, 0, 0}, apart: {0, 2, 4}} {
		frames := inTurn(rec, o)
		if len(frames) != h.Streams*h.Frames {
			t.Fatalf("%s: %d frames", o, len(frames))
		}
		for i, f := range frames {
			stream, turn := i%h.Streams, i/h.Streams
			if f.Stream != stream || f.Sequence != turn {
				t.Errorf("%s: frame %d is frame %d of stream %d", o, i, f.Sequence, f.Stream)
			}
			if want := (from[stream] + turn) % h.Frames; string(f.Image) != recorded[[2]int{stream, want}] {
				t.Errorf("%s: frame %d of stream %d is not the recording's %d", o, turn, stream, want)
			}
		}
	}
}

func TestRemoveDeletesTopics(t *testing.T) {
	b, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w := &workload{brokers: b.Addr()}
	create := func(topic string, partitions int) int {
		n, err := kafkaio.EnsureTopic(t.Context(), kafkaio.Cluster{Brokers: []string{b.Addr()}}, topic, partitions)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, topic := range []string{"round", "round-outcomes", "kept"} {
		create(topic, 2)
	}
	if err := w.remove(t.Context(), "round", "round-outcomes"); err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]int{"round": 3, "round-outcomes": 3, "kept": 2} {
		if got := create(topic, 3); got != want {
			t.Errorf("%s has %d partitions, want %d", topic, got, want)
		}
	}
	if err := w.remove(t.Context(), "never"); err == nil {
		t.Error("removing a topic that is not there is no error")
	}
}
