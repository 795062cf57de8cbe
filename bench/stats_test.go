package main

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSpreadOf(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 2}, spread{3, 2, 4}},
		{[]float64{9, 1, 5}, spread{5, 1, 9}},
		{[]float64{9, 1, 5, 100}, spread{7, 1, 100}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.values, got, c.want)
		}
	}
}

func TestSpreadLeavesItsInputAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 9).Draw(t, "values")
		first := values[0]
		s := spreadOf(values)
		if values[0] != first || s.Low > s.Median || s.Median > s.High {
			t.Errorf("%v: %+v", values, s)
		}
	})
}

// A ratio is only worse when even its best round is below the worst round of the earlier results.
func TestWorse(t *testing.T) {
	was := spread{Median: 1, Low: 0.9, High: 1.1}
	for _, c := range []struct {
		now  spread
		want bool
	}{
		{spread{0.85, 0.8, 0.89}, true},
		{spread{0.85, 0.8, 0.95}, false},
		{spread{1.5, 1.4, 1.6}, false},
	} {
		if got := was.worse(c.now); got != c.want {
			t.Errorf("%+v after %+v: worse is %v", c.now, was, got)
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	contender := func(id string, fps ...float64) contenderResult {
		c := contenderResult{ID: id}
		for _, f := range fps {
			c.Rounds = append(c.Rounds, sample{FPS: f, CPUUs: 1e6 / f})
		}
		return c
	}
	// the second round was slow for all contenders; loop-16 is the best of its goal
	got := ratiosOf("32x32", []contenderResult{contender("run-unaudited", 100, 10), contender("loop", 100, 10), contender("loop-16", 200, 20)})
	if len(got) != 1 {
		t.Fatalf("%+v: only one goal has both sides", got)
	}
	if want := (spread{0.5, 0.5, 0.5}); got[0].FPS != want || got[0].Goal != 0.90 {
		t.Errorf("%+v", got[0])
	}
	if c := got[0].CPU; c.Low < 0.499 || c.High > 0.501 {
		t.Errorf("processor time %+v", c)
	}
}

// Each round measures all contenders, and begins with another one.
func TestRoundsBeginWithAnotherContender(t *testing.T) {
	entries := []int{0, 1, 2, 3, 4, 5, 6}
	var first []int
	for round := range 3 {
		turn := turned(entries, round, 3)
		first = append(first, turn[0])
		if slices.Sort(turn); !slices.Equal(turn, entries) {
			t.Errorf("round %d measures %v", round, turn)
		}
	}
	if want := []int{0, 2, 4}; !slices.Equal(first, want) {
		t.Errorf("rounds begin with %v, want %v", first, want)
	}
}
