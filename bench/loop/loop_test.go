package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/bench/recording"
)

// The decisions do not depend on how the nets are called: batches and goroutines only change the speed.
func TestDecisionsDoNotDependOnBatches(t *testing.T) {
	dir := t.TempDir()
	rec := filepath.Join(dir, "frames")
	h := recording.Header{Width: 32, Height: 32, Streams: 3, Frames: 40, Active: 3, Dwell: 15, Chunk: 7, Seed: 1}
	if err := recording.Make(rec, h); err != nil {
		t.Fatal(err)
	}
	answers := func(o options) []recording.Answer {
		o.recording, o.pack, o.out, o.frames = rec, filepath.Join("..", "..", "models", "packs", "scenes"), filepath.Join(dir, "answers"), 37
		if err := o.run(); err != nil {
			t.Fatal(err)
		}
		all, err := recording.ReadAnswers(o.out)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(all, func(a, b recording.Answer) int { return 1000*(a.Stream-b.Stream) + a.Sequence - b.Sequence })
		return all
	}
	single := answers(options{goroutines: 1, batch: 1})
	hits := 0
	for _, a := range single {
		if a.Hit {
			hits++
		}
	}
	if len(single) != 3*37 || hits < 60 || hits == len(single) {
		t.Errorf("%d answers, %d hits", len(single), hits)
	}
	if d := cmp.Diff(single, answers(options{goroutines: 2, batch: 16})); d != "" {
		t.Error(d)
	}
	full := answers(options{goroutines: 1, batch: 1, full: true})
	if d := cmp.Diff(full, answers(options{goroutines: 2, batch: 16, full: true})); d != "" {
		t.Error(d)
	}
	if len(full) != 3*37 || slices.ContainsFunc(full, func(a recording.Answer) bool { return a.Hit }) {
		t.Errorf("%d answers of the full model, or hits among them", len(full))
	}
}
