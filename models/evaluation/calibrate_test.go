package evaluation

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/models/policy"
)

func testTuner(table *Table, tracks []track, budget Budget) *tuner {
	return &tuner{newArena(table, tracks, []Kind{{Active: 1, Dwell: 30}, {Active: 3, Dwell: 200}, {}}, 1200, 7), budget}
}

// tuned returns the best setup of a rival with the net "small".
func tuned(t *testing.T, c *tuner, name string) trial {
	t.Helper()
	all, err := c.tune(t.Context(), rivalNamed(name))
	if err != nil {
		t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(t trial) bool { return t.Small == "small" })]
}

// Whatever the budget, a tuned policy keeps it on the tuning data, is faster with a larger one, and a looser
// threshold than the one found exceeds it.
func TestTuningKeepsTheBudgetAndUsesIt(t *testing.T) {
	table := synthetic(6, 6, 12, 2, 1)
	last := 0.0
	for _, loss := range []float64{0.004, 0.02, 0.08} {
		c := testTuner(table, table.tracks, Budget{Loss: loss, First: loss, Locked: 1})
		found := tuned(t, c, smallFull)
		again, err := c.run(t.Context(), rivalNamed(smallFull), found.Setup)
		if err != nil {
			t.Fatal(err)
		}
		if all := overall(again); !found.Fits || all.Loss > loss || all.FirstLoss > loss || all.Speedup != found.Speedup {
			t.Fatalf("budget %v: fits %v, then %+v", loss, found.Fits, all)
		}
		if found.Speedup < last {
			t.Fatalf("a budget of %v gives %.3f x, a smaller one %.3f x", loss, found.Speedup, last)
		}
		last = found.Speedup
		loose := found.Setup
		loose.Settings.Threshold = threshold(policy.Confidence, strictness(policy.Confidence, found.Settings.Threshold)-3)
		if f, err := c.try(t.Context(), rivalNamed(smallFull), loose); err != nil || f.Speedup <= found.Speedup {
			t.Fatalf("a looser threshold is not faster: %.3f against %.3f, %v", f.Speedup, found.Speedup, err)
		}
	}
}

func TestAnImpossibleBudgetDoesNotFit(t *testing.T) {
	table := synthetic(4, 4, 8, 0, 1)
	c := testTuner(table, table.tracks, Budget{Loss: -0.5, First: 1, Locked: 1})
	if found := tuned(t, c, cascade); found.Fits {
		t.Fatalf("%+v", found.Setup)
	}
}

func TestStrictnessInvertsThreshold(t *testing.T) {
	for _, score := range []string{policy.Confidence, policy.Entropy} {
		for z := loosest; z <= 8; z += 0.7 {
			if got := strictness(score, threshold(score, z)); got < z-1e-3 || got > z+1e-3 {
				t.Errorf("%s: %v became %v", score, z, got)
			}
		}
	}
	if threshold(policy.Confidence, 1) >= threshold(policy.Confidence, 2) || threshold(policy.Entropy, 1) <= threshold(policy.Entropy, 2) {
		t.Error("a larger z must be stricter")
	}
}

// The chosen rival is the fastest of those that can ship, and the choice is deterministic for a seed.
func TestBuildTakesTheFastestThatShips(t *testing.T) {
	build := func() *Built {
		table := synthetic(4, 8, 12, 2, 3)
		b, err := Build(t.Context(), table, &Nets{Name: "synthetic", Classes: table.classes, Input: testInput},
			Options{Name: "synthetic", Version: "1.0.0", Seed: 1, Progress: func(string) {},
				Budget: Budget{Loss: 0.03, Margin: 0.01, First: 0.1, Locked: 1}, effort: effort{kinds: []Kind{{Active: 2, Dwell: 30, Aligned: true}, {}}, tune: 600, confirm: 600, report: 600, rare: 3000, seeds: 2}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one, two := build(), build()
	if diff := cmp.Diff(one.Card, two.Card, cmp.AllowUnexported(Built{})); diff != "" {
		t.Fatalf("the same seed chose differently:\n%s", diff)
	}
	if !slices.ContainsFunc(rivals(), func(r rival) bool { return r.name == one.Card.Chosen.Rival && r.ships }) {
		t.Fatalf("chose %q, which cannot be built into a pack", one.Card.Chosen.Rival)
	}
	for _, s := range one.Card.Setups {
		r := rivalNamed(s.Rival)
		if s.Candidate && s.Fits && r.nets == rivalNamed(one.Card.Chosen.Rival).nets && s.Speedup > one.Card.Chosen.Speedup {
			t.Errorf("%q (%.2f x) is faster than the choice (%.2f x)", s.Rival, s.Speedup, one.Card.Chosen.Speedup)
		}
	}
	own := slices.IndexFunc(one.Card.Report.Rows, func(r Row) bool { return r.Policy == thisPack })
	if loss := one.Card.Report.Rows[own].Mean.Loss; loss > 0.03+0.01 {
		t.Errorf("the pack loses %.3f with a budget of 0.03", loss)
	}
	var full Row
	for _, row := range one.Card.Report.Rows {
		if row.Policy == fullOnly {
			full = row
		}
		if row.Missing != "" {
			t.Errorf("%s: %s", row.Policy, row.Missing)
		}
	}
	if math.Abs(full.Mean.Speedup-1) > 1e-9 || full.Mean.Loss != 0 || full.Mean.HitRate != 0 || full.Mean.Agreement < 1-1e-9 {
		t.Errorf("full only: %+v", full.Mean)
	}
}
