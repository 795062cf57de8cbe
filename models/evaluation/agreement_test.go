package evaluation

import (
	"math"
	"strings"
	"testing"
)

// Without labels the full model is right by definition, and a policy's loss is measured as agreement with it.
func TestBuildAgainstAgreement(t *testing.T) {
	table := synthetic(6, 8, 10, 2, 1)
	for f := range table.labels {
		table.labels[f] = table.tracks[table.trackOf[f]].class
	}
	nets := &Nets{Name: "own", Classes: table.classes}
	nets.Input.Width, nets.Input.Height = 32, 32
	for _, c := range table.nets {
		c.MeasuredUs = 1
		nets.All = append(nets.All, c.Net)
	}
	built, err := Build(t.Context(), table, nets, Options{Name: "own", Version: "1.0.0", Agreement: true, Progress: func(string) {}, Seed: 1,
		Budget: Budget{Loss: 0.1, Margin: 0.01, First: 0.3, Locked: 0.9},
		effort: effort{kinds: []Kind{{}, {Active: 2, Dwell: 30}}, rivals: []string{cascade, smallFull}, tune: 600, confirm: 600, report: 600, rare: 600, seeds: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range built.Card.Report.Rows {
		if row.Policy == fullOnly && row.Mean.Accuracy != 1 {
			t.Errorf("the full model agrees with itself on %v", row.Mean.Accuracy)
		}
		if row.Missing == "" && math.Abs(row.Mean.Loss+row.Mean.Agreement-1) > 1e-9 {
			t.Errorf("%s loses %v and agrees on %v", row.Policy, row.Mean.Loss, row.Mean.Agreement)
		}
	}
	if !built.Card.Agreement || !strings.Contains(built.Card.Markdown(), "agreement with the full model") {
		t.Error("the card does not say that the frames have no labels")
	}
}

// Whether a track is locked in depends on the full model's answers over the whole track, not on its first frame.
func TestLocksAreOfTheTrackAsAWhole(t *testing.T) {
	table := &Table{classes: []string{"a", "b"}, labels: make([]int, 12), tracks: []track{{class: 0, frames: 12}}, trackOf: make([]int, 12), best: make([]int, 12)}
	table.labels[0], table.best[0] = 1, 1 // the full model's only different answer
	s := &stream{}
	for f := range 12 {
		s.add(f, 0, 12, -1)
	}
	for class, want := range []int{0, 1} {
		l := lockCounter{table: table, stream: s}
		for i := range s.rows {
			l.see(i, class)
		}
		if plays, locked := l.finish(); plays != 1 || locked != want {
			t.Errorf("answered %d throughout: %d of %d locked, expected %d", class, locked, plays, want)
		}
	}
}
