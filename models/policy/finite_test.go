package policy

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var noNumbers = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}

func anyPolicy(t *rapid.T) *Policy {
	return pairs(func(s *Settings) {
		s.Kind = rapid.SampledFrom([]string{Window, Paper}).Draw(t, "kind")
		s.Score = rapid.SampledFrom([]string{Confidence, Entropy}).Draw(t, "score")
		s.Threshold = rapid.SampledFrom([]float32{0, 0.5, 9}).Draw(t, "threshold")
		s.Teacher = rapid.SampledFrom([]string{Selector, Inline, Feedback}).Draw(t, "teacher")
		s.Capacity = rapid.IntRange(1, 3).Draw(t, "capacity")
		s.Tries = rapid.IntRange(0, s.Capacity).Draw(t, "tries")
		s.Trust = rapid.SampledFrom([]float32{0, 0.4}).Draw(t, "trust")
		s.Guard = rapid.SampledFrom([]float32{0, 0.1}).Draw(t, "guard")
		s.Share = rapid.SampledFrom([]float32{0, 0.1}).Draw(t, "share")
		s.Slow = rapid.SampledFrom([]float32{0, 0.9}).Draw(t, "slow")
	})
}

func anyNets(t *rapid.T) *fakeNets {
	l := func(n int) []float32 {
		return rapid.SliceOfN(rapid.Float32Range(-20, 20), n, n).Draw(t, "logits")
	}
	return &fakeNets{specialist: map[int][]float32{0: l(3), 1: l(3), 2: l(3)}, selector: l(6), full: l(6)}
}

// A net whose output contains NaN or an infinity gives no answer and teaches nothing: the frame is an error, and the
// stream continues as if the frame had not been there.
func TestNonFiniteLogitsAreAnError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := anyPolicy(t), &State{}
		for range rapid.IntRange(0, 5).Draw(t, "before") {
			if _, err := p.Decide(s, anyNets(t), true); err != nil {
				t.Fatal(err)
			}
		}
		before := State{Window: slices.Clone(s.Window), Slow: slices.Clone(s.Slow), Credit: s.Credit, Cached: slices.Clone(s.Cached)}
		n := anyNets(t)
		bad := rapid.SampledFrom([]string{"specialists", "selector", "full"}).Draw(t, "bad")
		for _, l := range map[string][][]float32{"specialists": {n.specialist[0], n.specialist[1], n.specialist[2]}, "selector": {n.selector}, "full": {n.full}}[bad] {
			l[rapid.IntRange(0, len(l)-1).Draw(t, "output")] = rapid.SampledFrom(noNumbers).Draw(t, "value")
		}
		d, err := p.Decide(s, n, true)
		asked := bad == "specialists" || slices.Contains(n.asked, bad)
		if asked != (err != nil) {
			t.Fatalf("%s asked: %v, but %+v, %v", bad, asked, d, err)
		}
		if err == nil {
			return
		}
		if d.Hit || d.Answered || d.Class != -1 {
			t.Fatalf("an answer: %+v", d)
		}
		if len(before.Window) > 0 && (!slices.Equal(s.Window, before.Window) || !slices.Equal(s.Slow, before.Slow) || s.Credit != before.Credit || !slices.Equal(s.Cached, before.Cached)) {
			t.Fatalf("%+v was %+v", s, before)
		}
		checkSound(t, p, s)
	})
}

// A damaged state is replaced: NaN neither spreads through it nor decides anything.
func TestADamagedStateIsThatOfANewStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s, n := anyPolicy(t), &State{}, anyNets(t)
		want, err := p.Decide(&State{}, n, true)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 5).Draw(t, "before") {
			if _, err := p.Decide(s, anyNets(t), true); err != nil {
				t.Fatal(err)
			}
		}
		bad := rapid.SampledFrom(append([]float32{-0.5, 3}, noNumbers...)).Draw(t, "value")
		fields := []*float32{&s.Window[2], &s.Slow[0], &s.Credit[0], &s.Credit[1], &s.Outside, &s.HitRate}
		*rapid.SampledFrom(fields).Draw(t, "field") = bad
		got, err := p.Decide(s, n, true)
		if err != nil || got != want {
			t.Fatalf("%+v, %v; a new stream: %+v", got, err, want)
		}
		checkSound(t, p, s)
	})
}

func TestNonFiniteSettingsAreAnError(t *testing.T) {
	n := &fakeNets{specialist: map[int][]float32{0: {0, 20, 0, 0}}, selector: make([]float32, 4), full: make([]float32, 4)}
	for i := range 9 {
		for _, v := range noNumbers {
			p := global(nil)
			at := []*float32{&p.Threshold, &p.Alpha, &p.Decay, &p.Trust, &p.Share, &p.Slow, &p.Guard, &p.Specialists[0].Temperature, &p.SelectorTemperature}[i]
			*at = v
			if d, err := p.Decide(&State{}, n, true); i < 8 && (err == nil || d.Hit || d.Answered) {
				t.Errorf("setting %d = %v: %+v, %v", i, v, d, err)
			}
			if err := p.Validate(1, true); i < 7 && err == nil {
				t.Errorf("setting %d = %v is valid", i, v)
			}
		}
	}
}

func TestTeachRefusesInvalidDistributions(t *testing.T) {
	p, s := global(nil), &State{}
	for _, q := range [][]float32{{1, 0, 0}, {noNumbers[0], 0, 0, 0}, {-1, 1, 1, 0}, {2, 0, 0, 0}} {
		if _, err := p.Teach(s, q); err == nil || len(s.Window) > 0 {
			t.Errorf("%v was accepted: window %v", q, s.Window)
		}
	}
}

func TestReadRefusesNonFiniteLogits(t *testing.T) {
	for _, v := range noNumbers {
		if a, err := Read([]float32{0, v, 1}, 1); err == nil || a.Class != -1 {
			t.Errorf("%v: %+v, %v", v, a, err)
		}
	}
	if _, err := Read(nil, 1); err == nil {
		t.Error("an empty output was accepted")
	}
}

func TestOutputsMustMatchThePack(t *testing.T) {
	for name, n := range map[string]*fakeNets{
		"specialist": {specialist: map[int][]float32{0: {1, 2, 3}}, selector: make([]float32, 4)},
		"selector":   {specialist: map[int][]float32{0: make([]float32, 4)}, selector: make([]float32, 5)},
	} {
		if d, err := global(nil).Decide(&State{}, n, true); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func checkSound(t *rapid.T, p *Policy, s *State) {
	if !s.fits(p.Classes, len(p.Specialists)) {
		t.Fatalf("state %+v", s)
	}
}
