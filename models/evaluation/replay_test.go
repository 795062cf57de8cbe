package evaluation

import (
	"math"
	"slices"
	"testing"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

var testInput = models.InputSize{Width: 8, Height: 8}

func play(t *testing.T, table *Table, r rival, s Setup, k Kind) Figures {
	t.Helper()
	f, err := newArena(table, table.tracks, []Kind{k}, 6000, 5).run(t.Context(), r, s)
	if err != nil {
		t.Fatal(err)
	}
	return f[0]
}

// Knowledge of the future can only help.
func TestOraclesAreNoWorse(t *testing.T) {
	table := synthetic(8, 8, 12, 4, 2)
	like := rivalNamed(specialistsPrior)
	settings := like.start
	settings.Capacity = 2
	for _, k := range []Kind{{Active: 3, Dwell: 200}, {}} {
		s := Setup{Settings: settings}
		plain, oracle, belady := play(t, table, like, s, k), play(t, table, rivalNamed(oracleSelector), s, k), play(t, table, rivalNamed(clairvoyant), s, k)
		if oracle.Speedup < plain.Speedup {
			t.Errorf("%v: knowing the specialist makes it slower: %.3f against %.3f", k, oracle.Speedup, plain.Speedup)
		}
		if belady.Loads > plain.Loads {
			t.Errorf("%v: knowing the future loads more: %.1f against %.1f", k, belady.Loads, plain.Loads)
		}
	}
}

// The cost of a frame is that of the nets it used: checked against the hit rate, which is counted separately.
func TestCostAddsUp(t *testing.T) {
	table := synthetic(5, 6, 8, 0, 3)
	for name, miss := range map[string]float64{smallFull: 30 + 1000, smallSelector: 30 + 200 + 1000, smallLate: 30 + 1000, smallAll: 30 + 1000} {
		r := rivalNamed(name)
		f := play(t, table, r, Setup{Small: "small", Settings: r.start}, Kind{Active: 2, Dwell: 30})
		want := f.HitRate*30 + (1-f.HitRate)*miss
		if math.Abs(f.Us-want) > 1e-6*want || f.HitRate < 0.05 || f.HitRate > 0.99 {
			t.Errorf("%s: %.3f µs a frame at a hit rate of %.3f, expected %.3f", name, f.Us, f.HitRate, want)
		}
	}
}

// A late answer makes the window less useful; an immediate one makes it better than no window.
func TestTeachingSoonerIsFaster(t *testing.T) {
	table := synthetic(8, 10, 12, 0, 4)
	speed := func(name string, edit func(*policy.Settings)) float64 {
		r := rivalNamed(name)
		s := r.start
		edit(&s)
		return play(t, table, r, Setup{Small: "small", Settings: s}, Kind{Active: 1, Dwell: 30}).Speedup
	}
	same := func(s *policy.Settings) { s.Threshold, s.Decay = 0.9, 0.5 }
	atOnce, late, never := speed(smallFull, same), speed(smallLate, same), speed(cascade, same)
	if !(atOnce > late && late > never) {
		t.Errorf("at once %.2f x, late %.2f x, never %.2f x", atOnce, late, never)
	}
}

// A net restricted to a group assigns to "other" what it gave to all other classes together.
func TestMaskedKeepsTheMass(t *testing.T) {
	got := masked(nil, []float32{0.1, 0.2, 0.3, 0.25, 0.15}, []int{3, 1})
	for i, want := range []float32{0.25, 0.2, 0.55} {
		if math.Abs(float64(got[i]-want)) > 1e-6 {
			t.Errorf("output %d: %v, expected %v", i, got[i], want)
		}
	}
}

// Precomputed distributions equal those that the policy computes from the logits.
func TestPrecomputedTablesChangeNoDecision(t *testing.T) {
	table := synthetic(6, 3, 5, 2, 9)
	for f := range table.labels {
		for i := range table.nets {
			c := &table.nets[i]
			want, err := policy.Probabilities(c.row(f), c.Temperature)
			if err != nil || !slices.Equal(want, c.distribution(f)) {
				t.Fatalf("%s, frame %d: %v, expected %v, %v", c.File, f, c.distribution(f), want, err)
			}
		}
	}
}

// A track answered with one wrong class throughout is locked in, unless the full model is wrong too.
func TestLockedTracksAreCounted(t *testing.T) {
	table := synthetic(3, 2, 20, 0, 5)
	for f := range table.best {
		table.best[f] = table.labels[f]
	}
	s := stream{}
	for f := range 20 {
		s.add(f, 0, 20, -1)
	}
	for name, c := range map[string]struct {
		answer func(i int) int
		spoil  bool
		locked int
	}{
		"right":             {func(int) int { return table.labels[0] }, false, 0},
		"one wrong":         {func(int) int { return 2 }, false, 1},
		"alternating wrong": {func(i int) int { return 1 + i%2 }, false, 0},
		"sometimes right":   {func(i int) int { return 2 * min(1, i%5) }, false, 0},
		"full wrong too":    {func(int) int { return 2 }, true, 0},
	} {
		if c.spoil {
			for f := range 20 {
				table.best[f] = 1
			}
		}
		l := lockCounter{table: table, stream: &s}
		for i := range s.rows {
			l.see(i, c.answer(i))
		}
		if plays, locked := l.finish(); plays != 1 || locked != c.locked {
			t.Errorf("%s: %d of %d locked, expected %d", name, locked, plays, c.locked)
		}
		for f := range 20 {
			table.best[f] = table.labels[f]
		}
	}
}
