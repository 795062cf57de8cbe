package frames

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
)

// Schedule plays a source as streams with locality: a stream shows few classes at a time.
type Schedule struct {
	Source Source
	Active int    // classes a stream shows at a time; 0 means all
	Dwell  int    // frames until others take their place; 0 means never
	Frames int    // frames of each stream
	Seed   uint64 // gives the same streams again
}

// Frame is one frame of a stream.
type Frame struct {
	Image
	Label    string // true class
	Sequence int64  // number within the stream, from 0
}

// Validate says whether the streams can be played.
func (s Schedule) Validate() error {
	classes := len(s.Source.Classes())
	switch {
	case s.Active < 0 || s.Active > classes:
		return fmt.Errorf("schedule streams: %d active classes of %d: choose 1 to %d, or 0 for all", s.Active, classes, classes)
	case s.Dwell < 0:
		return fmt.Errorf("schedule streams: dwell of %d frames: choose 1 or more, or 0 to keep the classes", s.Dwell)
	case s.Frames < 0:
		return fmt.Errorf("schedule streams: %d frames per stream: choose 0 or more", s.Frames)
	}
	return nil
}

// Stream yields the frames of stream i, and ends after the first error. Sequences of the active
// classes follow one another, each of a class drawn at random; where the active classes change, the
// current sequence ends early. The next set takes classes that were not active as far as there
// are any. Each call starts over; streams are independent of each other. The schedule must be valid.
func (s Schedule) Stream(i int) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		rng := newRand("stream", s.Seed, uint64(i))
		order := rng.Perm(len(s.Source.Classes()))
		for played := 0; played < s.Frames; {
			end := s.Frames
			if s.Dwell > 0 {
				end = min(end, played+s.Dwell)
			}
			if !s.dwell(rng, order[:s.active()], played, end, yield) {
				return
			}
			played = end
			s.change(rng, order)
		}
	}
}

func (s Schedule) active() int {
	if s.Active == 0 {
		return len(s.Source.Classes())
	}
	return s.Active
}

// dwell plays the active classes from frame played up to end; it reports whether to go on.
func (s Schedule) dwell(rng *rand.Rand, active []int, played, end int, yield func(Frame, error) bool) bool {
	for played < end {
		class := active[rng.IntN(len(active))]
		for image, err := range s.Source.Play(class, rng.Uint64()) {
			if !yield(Frame{image, s.Source.Classes()[class], int64(played)}, err) || err != nil {
				return false
			}
			if played++; played == end {
				break
			}
		}
	}
	return true
}

// change reorders the classes so that the active ones, which come first, are others.
func (s Schedule) change(rng *rand.Rand, order []int) {
	active, resting := order[:s.active()], order[s.active():]
	copy(order, slices.Concat(shuffled(rng, resting), shuffled(rng, active)))
}

func shuffled(rng *rand.Rand, classes []int) []int {
	rng.Shuffle(len(classes), func(i, j int) { classes[i], classes[j] = classes[j], classes[i] })
	return classes
}
