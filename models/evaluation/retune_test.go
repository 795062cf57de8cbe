package evaluation

import (
	"iter"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/schemas"
)

// filmed yields frames of three interleaved streams, each of which shows one colour for a while.
func filmed(frames int, truth bool) iter.Seq2[schemas.Frame, error] {
	rng := rand.New(rand.NewPCG(3, 4))
	names := []string{"red", "green", "blue"}
	return func(yield func(schemas.Frame, error) bool) {
		for i := range frames {
			stream, at := i%3, i/3
			class := (at/25 + stream) % 3
			rgb := []byte{byte(rng.IntN(90)), byte(rng.IntN(90)), byte(rng.IntN(90))}
			rgb[class] = byte(100 + rng.IntN(150))
			f := schemas.Frame{Stream: []string{"a", "b", "c"}[stream], Offset: int64(i), ContentType: schemas.RGB8, Width: 1, Height: 1, Image: rgb}
			if truth {
				f.Truth = names[class]
			}
			if i == 7 {
				f.Image = nil
			}
			if i == 11 {
				f.Fault = "no frame"
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

func coloursPack(t *testing.T) *models.Pack {
	t.Helper()
	p, err := models.OpenPack(colours)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Rows are sorted by stream, keep their order, and belong to stretches of one answer.
func TestARecordingKeepsEachStreamsOrder(t *testing.T) {
	var done atomic.Int64
	r, err := Record(t.Context(), coloursPack(t), filmed(300, true), &done)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.streams) != 3 || !r.truth || r.unread != 2 || done.Load() != 299 || len(r.table.labels) != 298 {
		t.Fatalf("%v, unread %d, done %d", r, r.unread, done.Load())
	}
	next := 0
	for _, rows := range r.streams {
		for _, row := range rows {
			if row != next {
				t.Fatalf("row %d where %d is next", row, next)
			}
			next++
		}
	}
	for _, tr := range r.table.tracks {
		labels := r.table.labels[tr.first : tr.first+tr.frames]
		if slices.Min(labels) != slices.Max(labels) {
			t.Errorf("a track of several classes: %v", labels)
		}
	}
	if n := len(r.table.tracks); n < 12 || n > 15 {
		t.Errorf("%d tracks: each stream shows a colour for 25 of 100 frames", n)
	}
	first, second := r.halves()
	if len(first) != 3 || len(second) != 3 || first[0].rows[len(first[0].rows)-1] >= second[0].rows[0] {
		t.Error("the halves are not before and after")
	}
}

func TestWithoutTruthTheFullModelIsTheMeasure(t *testing.T) {
	r, err := Record(t.Context(), coloursPack(t), filmed(60, false), new(atomic.Int64))
	if err != nil || r.truth || !slices.Equal(r.table.labels, r.table.best) {
		t.Errorf("%v, %v", r, err)
	}
}

// What is found keeps the budget on frames that chose nothing, or is the pack's own.
func TestRetuneKeepsTheBudget(t *testing.T) {
	p := coloursPack(t)
	r, err := Record(t.Context(), p, filmed(3000, false), new(atomic.Int64))
	if err != nil {
		t.Fatal(err)
	}
	b := DefaultBudget()
	b.Loss, b.Margin = 0.05, 0.01
	steps := 0
	found, err := Retune(t.Context(), p, r, b, func(string) { steps++ })
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", found)
	if steps != 2 || found.Changed && (!found.Then.Holds || found.Then.Upper > b.Loss) || !found.Changed && found.Policy != p.Policy {
		t.Errorf("%+v", found)
	}
	if err := found.Policy.Validate(len(p.Specialists), p.Selector != nil); err != nil {
		t.Error(err)
	}
	full := *p
	full.Policy.Kind = "full"
	if _, err := Retune(t.Context(), &full, r, b, func(string) {}); err == nil {
		t.Error("a pack without a cache was tuned")
	}
}
