package evaluation

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Limits at 95 % exclude the true mean in about one of twenty draws, for amounts distributed as losses are: mostly zero, now
// and then large, correlated within a sequence. Without the correction for skewness it is one of eight to ten.
func TestUpperCoversTheMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, c := range map[string]struct {
		sequences  int
		rare, size float64 // chance that a sequence has losses, and their share of its frames
	}{
		"common": {60, 0.5, 0.2}, "rare": {100, 0.1, 0.5}, "rare and whole": {200, 0.05, 1},
	} {
		const draws = 2000
		missed, plain := 0, 0
		for range draws {
			cl := newClusters(c.sequences)
			for s := range c.sequences {
				lossy := rng.Float64() < c.rare
				for range 5 + rng.IntN(30) {
					amount := 0.0
					if lossy && rng.Float64() < c.size {
						amount = 1
					}
					cl.add(s, amount)
				}
			}
			missed += count(cl.upper(0.05) < c.rare*c.size)
			m := cl.moments()
			plain += count(m.mean+1.66*m.error < c.rare*c.size)
		}
		if share := float64(missed) / draws; share > 0.075 || missed >= plain {
			t.Errorf("%s: %.3f of the draws have their upper limit below the mean, %.3f without the correction", name, share, float64(plain)/draws)
		}
	}
}

func TestLimitsOfKnownCases(t *testing.T) {
	even := newClusters(10)
	for s := range 10 {
		for range 4 {
			even.add(s, float64(s%2))
		}
	}
	// ten sequences of 0 or 1, half of each: the t interval of their mean, no skewness
	want := 1.833 * math.Sqrt(0.25/9)
	if up, low := even.upper(0.05), even.lower(0.05); math.Abs(up-0.5-want) > 1e-3 || math.Abs(0.5-low-want) > 1e-3 {
		t.Errorf("limits %.4f and %.4f, expected 0.5 ± %.4f", low, up, want)
	}
	one := newClusters(3)
	one.add(1, 0)
	if one.upper(0.05) != 1 || one.lower(0.05) != -1 {
		t.Error("one sequence gives a narrow limit")
	}
	if got := clopperPearson(0, 6000, 0.05); math.Abs(got-3./6000) > 1e-6 {
		t.Errorf("none in 6000: %v", got)
	}
	if got := clopperPearson(5, 100, 0.05); math.Abs(got-0.1023) > 1e-3 { // tabulated
		t.Errorf("5 in 100: %v", got)
	}
	if got := clopperPearson(3, 3, 0.05); got != 1 {
		t.Errorf("all of 3: %v", got)
	}
	if n := ruleOfThree(0.0005, 0.05); clopperPearson(0, float64(n), 0.05) > 0.0005 || clopperPearson(0, float64(n-2), 0.05) <= 0.0005 {
		t.Errorf("%d cases without an event", n)
	}
}

// Events concentrated in a few sequences are weaker evidence than as many spread out.
func TestRareEventsOfFewSequencesCountForMore(t *testing.T) {
	spread, lumped := newClusters(200), newClusters(200)
	for s := range 200 {
		for i := range 100 {
			spread.add(s, float64(count(i == 0 && s < 20)))
			lumped.add(s, float64(count(s == 0 && i < 20)))
		}
	}
	if a, b := spread.rareUpper(0.05), lumped.rareUpper(0.05); !(a >= 20./20000 && b > a) {
		t.Errorf("20 events in 20,000: upper limit %.5f spread out, %.5f in one sequence", a, b)
	}
}
