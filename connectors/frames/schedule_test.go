package frames_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/connectors/frames"
)

// tape is a source whose images name their origin; a sequence of class c has c+1 frames.
type tape int

func (t tape) Classes() []string {
	names := make([]string, t)
	for i := range names {
		names[i] = fmt.Sprintf("class-%03d", i)
	}
	return names
}

func (t tape) Play(class int, seed uint64) iter.Seq2[frames.Image, error] {
	return func(yield func(frames.Image, error) bool) {
		for i := range class + 1 {
			if !yield(frames.Image{Bytes: fmt.Appendf(nil, "%d/%d/%d", class, seed, i)}, nil) {
				return
			}
		}
	}
}

func anySchedule(t *rapid.T) frames.Schedule {
	classes := rapid.IntRange(1, 40).Draw(t, "classes")
	return frames.Schedule{
		Source: tape(classes),
		Active: rapid.IntRange(0, classes).Draw(t, "active"),
		Dwell:  rapid.IntRange(0, 50).Draw(t, "dwell"),
		Frames: rapid.IntRange(0, 300).Draw(t, "frames"),
		Seed:   rapid.Uint64().Draw(t, "seed"),
	}
}

func collect(t interface{ Fatal(...any) }, stream iter.Seq2[frames.Frame, error]) []frames.Frame {
	var all []frames.Frame
	for frame, err := range stream {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, frame)
	}
	return all
}

func TestStreamShowsFewClassesAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule(t)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		all := collect(t, s.Stream(rapid.IntRange(0, 1000).Draw(t, "stream")))
		if len(all) != s.Frames {
			t.Fatalf("%d frames, want %d", len(all), s.Frames)
		}
		dwell, active := max(1, s.Frames), int(s.Source.(tape))
		if s.Dwell > 0 {
			dwell = s.Dwell
		}
		if s.Active > 0 {
			active = s.Active
		}
		previous := map[string]bool{}
		for start := 0; start < len(all); start += dwell {
			shown := map[string]bool{}
			for i, frame := range all[start:min(len(all), start+dwell)] {
				shown[frame.Label] = true
				if frame.Sequence != int64(start+i) {
					t.Fatalf("frame %d has number %d", start+i, frame.Sequence)
				}
			}
			if len(shown) > active {
				t.Fatalf("%d classes in frames %d …, want at most %d", len(shown), start, active)
			}
			for class := range shown {
				if previous[class] && 2*active <= int(s.Source.(tape)) {
					t.Fatalf("%s is shown again from frame %d, though others had not been", class, start)
				}
			}
			previous = shown
		}
	})
}

func TestStreamPlaysSequencesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule(t)
		var class, next int
		var seed uint64
		for i, frame := range collect(t, s.Stream(0)) {
			var gotClass, got int
			var gotSeed uint64
			if _, err := fmt.Sscanf(string(frame.Bytes), "%d/%d/%d", &gotClass, &gotSeed, &got); err != nil {
				t.Fatal(err)
			}
			if label := s.Source.Classes()[gotClass]; label != frame.Label {
				t.Fatalf("frame %d of %s is labelled %s", i, label, frame.Label)
			}
			if got != 0 && (got != next || gotClass != class || gotSeed != seed) {
				t.Fatalf("frame %d: %s does not continue %d/%d/%d", i, frame.Bytes, class, seed, next)
			}
			if got == 0 && next != 0 && next != class+1 && (s.Dwell == 0 || i%s.Dwell != 0) {
				t.Fatalf("frame %d: sequence %d/%d broke off at %d", i, class, seed, next)
			}
			class, seed, next = gotClass, gotSeed, got+1
		}
	})
}

func TestStreamsRepeatAndDiffer(t *testing.T) {
	s := frames.Schedule{Source: tape(40), Active: 3, Dwell: 20, Frames: 200, Seed: 7}
	first := collect(t, s.Stream(4))
	if diff := cmp.Diff(first, collect(t, s.Stream(4))); diff != "" {
		t.Errorf("the same stream played again differs:\n%s", diff)
	}
	if cmp.Equal(first, collect(t, s.Stream(5))) {
		t.Error("streams 4 and 5 are the same")
	}
	s.Seed = 8
	if cmp.Equal(first, collect(t, s.Stream(4))) {
		t.Error("seeds 7 and 8 give the same stream")
	}
}

func TestStreamShowsEveryClassInTime(t *testing.T) {
	s := frames.Schedule{Source: tape(12), Active: 3, Dwell: 40, Frames: 4000}
	shown := map[string]bool{}
	for _, frame := range collect(t, s.Stream(0)) {
		shown[frame.Label] = true
	}
	if len(shown) != 12 {
		t.Errorf("%d of 12 classes shown in 100 dwells", len(shown))
	}
}

var errTorn = errors.New("torn")

// torn ends its only sequence with an error.
type torn struct{ tape }

func (torn) Play(int, uint64) iter.Seq2[frames.Image, error] {
	return func(yield func(frames.Image, error) bool) {
		if yield(frames.Image{}, nil) {
			yield(frames.Image{}, errTorn)
		}
	}
}

func TestStreamEndsAtAnError(t *testing.T) {
	s := frames.Schedule{Source: torn{1}, Frames: 10}
	var last error
	n := 0
	for _, err := range s.Stream(0) {
		last = err
		n++
	}
	if !errors.Is(last, errTorn) || n != 2 {
		t.Errorf("stream ended with %v after %d frames, want %v after 2", last, n, errTorn)
	}
}

func TestScheduleValidates(t *testing.T) {
	for name, test := range map[string]frames.Schedule{
		"more active classes than there are": {Source: tape(3), Active: 4},
		"negative active":                    {Source: tape(3), Active: -1},
		"negative dwell":                     {Source: tape(3), Dwell: -1},
		"negative frames":                    {Source: tape(3), Frames: -1},
	} {
		if err := test.Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
