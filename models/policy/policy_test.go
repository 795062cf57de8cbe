package policy

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

// fakeNets answers with fixed logits and counts calls: the policy is about which net is called and what is done
// with its answer, so the nets themselves do not matter here.
type fakeNets struct {
	specialist     map[int][]float32
	selector, full []float32
	asked          []string
	err            error
}

func (f *fakeNets) Specialist(i int) ([]float32, error) {
	f.asked = append(f.asked, string(rune('0'+i)))
	return slices.Clone(f.specialist[i]), f.err
}
func (f *fakeNets) Selector() ([]float32, error) {
	f.asked = append(f.asked, "selector")
	return slices.Clone(f.selector), f.err
}
func (f *fakeNets) Full() ([]float32, error) {
	f.asked = append(f.asked, "full")
	return slices.Clone(f.full), f.err
}

// global is a policy over one global net of four classes.
func global(edit func(*Settings)) *Policy {
	s := Settings{Kind: Window, Score: Confidence, Threshold: 0.8, Teacher: Selector, Alpha: 0.2, Decay: 0.5, Capacity: 1}
	if edit != nil {
		edit(&s)
	}
	return &Policy{Settings: s, Classes: 4, Specialists: []Specialist{{Temperature: 1}}, SelectorTemperature: 1, FullTemperature: 1}
}

// pairs is a policy over three specialists with "other", of classes {0,1}, {2,3}, {4,5}.
func pairs(edit func(*Settings)) *Policy {
	p := global(edit)
	p.Classes = 6
	p.Specialists = []Specialist{
		{Classes: []int{0, 1}, Other: true, Temperature: 1}, {Classes: []int{2, 3}, Other: true, Temperature: 1}, {Classes: []int{4, 5}, Other: true, Temperature: 1},
	}
	return p
}

func decide(t *testing.T, p *Policy, s *State, n *fakeNets) Decision {
	t.Helper()
	n.asked = nil
	d, err := p.Decide(s, n, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSureSpecialistHits(t *testing.T) {
	n := &fakeNets{specialist: map[int][]float32{0: {0, 9, 0, 0}}}
	d := decide(t, global(nil), &State{}, n)
	if !d.Hit || d.Class != 1 || !slices.Equal(n.asked, []string{"0"}) {
		t.Fatalf("%+v, asked %v", d, n.asked)
	}
}

func TestUnsureSpecialistMissesAndTheSelectorTeaches(t *testing.T) {
	n := &fakeNets{specialist: map[int][]float32{0: {1, 1.2, 0, 0}}, selector: []float32{9, 0, 0, 0}}
	s := &State{}
	d := decide(t, global(nil), s, n)
	if d.Hit || d.Answered || !slices.Equal(n.asked, []string{"0", "selector"}) {
		t.Fatalf("%+v, asked %v", d, n.asked)
	}
	if s.Window[0] < 0.6 {
		t.Fatalf("window %v did not move to class 0", s.Window)
	}
	// the same uncertain answer now passes, for the class that the window expects
	for range 5 {
		decide(t, global(nil), s, n)
	}
	if d := decide(t, global(func(s *Settings) { s.Threshold = 0.5 }), s, n); !d.Hit || d.Class != 0 {
		t.Fatalf("%+v with window %v", d, s.Window)
	}
}

func TestInlineFullModelAnswersAndTeaches(t *testing.T) {
	n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 0, 0}}, full: []float32{0, 0, 9, 0}}
	s := &State{}
	d := decide(t, global(func(s *Settings) { s.Teacher = Inline }), s, n)
	if d.Hit || !d.Answered || d.Class != 2 || !slices.Equal(n.asked, []string{"0", "full"}) || s.Window[2] < 0.6 {
		t.Fatalf("%+v, asked %v, window %v", d, n.asked, s.Window)
	}
}

// A window that learned from hits would confirm itself and lock in on a wrong class.
func TestHitsDoNotMoveTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Float32Range(-9, 9), 4, 4).Draw(t, "logits")
		s := &State{}
		p := global(func(s *Settings) { s.Threshold = 0 })
		for range 3 {
			d, err := p.Decide(s, &fakeNets{specialist: map[int][]float32{0: logits}}, true)
			if err != nil || !d.Hit {
				t.Fatalf("%+v, %v", d, err)
			}
		}
		for _, w := range s.Window {
			if w != 0.25 {
				t.Fatalf("window %v", s.Window)
			}
		}
	})
}

// With trust, a hit teaches only when the net is as confident without the prior.
func TestOnlySureHitsTeach(t *testing.T) {
	p := global(func(s *Settings) { s.Trust = 0.9 })
	s := &State{}
	sure := &fakeNets{specialist: map[int][]float32{0: {0, 5, 0, 0}}}
	if d := decide(t, p, s, sure); !d.Hit || s.Window[1] < 0.6 {
		t.Fatalf("%+v, window %v", d, s.Window)
	}
	before := slices.Clone(s.Window)
	unsure := &fakeNets{specialist: map[int][]float32{0: {0, 2, 0, 0}}} // 0.71 alone, a hit with the prior
	if d := decide(t, p, s, unsure); !d.Hit || !slices.Equal(s.Window, before) {
		t.Fatalf("%+v, window %v was %v", d, s.Window, before)
	}
	if d, err := p.Decide(s, sure, false); err != nil || !d.Hit || !slices.Equal(s.Window, before) {
		t.Fatalf("%+v, %v: an old frame taught, window %v", d, err, s.Window)
	}
}

// The window gains credit while it predicts the teacher's answers, and loses it when the stream changes.
func TestCreditFollowsPredictiveAccuracy(t *testing.T) {
	p := global(func(s *Settings) { s.Share, s.Threshold, s.Decay, s.Alpha = 0.02, 1.1, 0.8, 0.02 }) // never a hit
	s := &State{}
	teach := func(class int) {
		n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 0, 0}}, selector: make([]float32, 4)}
		n.selector[class] = 20
		decide(t, p, s, n)
	}
	for range 30 {
		teach(1)
	}
	steady := s.Credit[0]
	teach(3)
	switched := s.Credit[0]
	for i := range 200 {
		teach(i % 4)
	}
	if !(steady > 0.9 && switched < steady-0.2 && s.Credit[0] < 0.4) {
		t.Fatalf("credit %.3f on one class, %.3f after a switch, %.3f without locality", steady, switched, s.Credit[0])
	}
}

// Three classes of four in turn: the fast window expects the last one, the slow one all three.
func TestTheSlowWindowEarnsTheCreditOfAVariedStream(t *testing.T) {
	p := global(func(s *Settings) {
		s.Share, s.Slow, s.Threshold, s.Decay, s.Alpha = 0.01, 0.99, 1.1, 0.5, 0.05
	})
	s := &State{}
	for i := range 600 {
		n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 0, 0}}, selector: make([]float32, 4)}
		n.selector[i%3] = 20
		decide(t, p, s, n)
	}
	if !(s.Credit[1] > 0.6 && s.Credit[0] < 0.3) {
		t.Fatalf("credit %v after three classes in turn", s.Credit)
	}
	for range 5 {
		n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 0, 0}}, selector: []float32{0, 0, 0, 20}}
		decide(t, p, s, n)
	}
	if !(s.Credit[0] > s.Credit[1]) {
		t.Fatalf("credit %v once the stream stays on a fourth", s.Credit)
	}
}

func TestMissLoadsTheSpecialistThatKnows(t *testing.T) {
	unsure := []float32{0, 0, 0}
	n := &fakeNets{specialist: map[int][]float32{0: unsure, 1: unsure, 2: unsure}}
	p, s := pairs(func(s *Settings) { s.Capacity = 2 }), &State{}
	for _, step := range []struct {
		class  int
		event  string
		cached []int
	}{
		{0, schemas.CacheNone, []int{0}}, {2, schemas.CacheLoad, []int{1, 0}}, {1, schemas.CacheSwap, []int{0, 1}},
		{5, schemas.CacheEvict, []int{2, 0}}, {3, schemas.CacheEvict, []int{1, 2}},
	} {
		n.selector = make([]float32, 6)
		n.selector[step.class] = 20
		s.Window = slices.Repeat([]float32{1. / 6}, 6) // earlier frames must not decide here
		if d := decide(t, p, s, n); d.CacheEvent != step.event || !slices.Equal(s.Cached, step.cached) {
			t.Fatalf("class %d: event %s, cached %v; expected %s, %v", step.class, d.CacheEvent, s.Cached, step.event, step.cached)
		}
	}
}

func TestAdmissionWaitsForRepeatedMisses(t *testing.T) {
	n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 0}}, selector: []float32{0, 0, 20, 0, 0, 0}}
	p, s := pairs(func(s *Settings) { s.Admission = 2 }), &State{}
	if d := decide(t, p, s, n); d.CacheEvent != schemas.CacheNone || s.Active() != 0 {
		t.Fatalf("loaded at the first miss: %+v", d)
	}
	if d := decide(t, p, s, n); d.CacheEvent != schemas.CacheEvict || s.Active() != 1 {
		t.Fatalf("not loaded at the second: %+v", d)
	}
}

func TestOtherIsNeverAHit(t *testing.T) {
	n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 20}}, selector: make([]float32, 6)}
	if d := decide(t, pairs(nil), &State{}, n); d.Hit {
		t.Fatalf("%+v", d)
	}
}

func TestTriesAsksTheOtherCachedSpecialists(t *testing.T) {
	n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 9}, 1: {9, 0, 0}}}
	p, s := pairs(func(s *Settings) { s.Capacity, s.Tries = 2, 2 }), &State{}
	s.start(&Policy{Classes: 6, Specialists: make([]Specialist, 3)})
	s.Cached = []int{0, 1}
	d := decide(t, p, s, n)
	if !d.Hit || d.Class != 2 || d.CacheEvent != schemas.CacheSwap || s.Active() != 1 {
		t.Fatalf("%+v, cached %v", d, s.Cached)
	}
}

func TestPaperTestsRawEntropy(t *testing.T) {
	paper := func(s *Settings) { s.Kind, s.Score, s.Threshold = Paper, Entropy, 0.1 }
	n := &fakeNets{specialist: map[int][]float32{0: {9, 0, 0}}, selector: make([]float32, 6)}
	s := &State{}
	s.start(&Policy{Classes: 6, Specialists: make([]Specialist, 3)})
	s.Window = []float32{0, 0, 0, 0, 0, 1} // a prior would turn this hit into a miss
	if d := decide(t, pairs(paper), s, n); !d.Hit || d.Class != 0 {
		t.Fatalf("%+v", d)
	}
	n.specialist[0] = []float32{1, 0, 0}
	if d := decide(t, pairs(paper), s, n); d.Hit {
		t.Fatalf("%+v", d)
	}
}

func TestFullPolicyAsksNoSpecialist(t *testing.T) {
	n := &fakeNets{}
	d := decide(t, global(func(s *Settings) { s.Kind = Full }), &State{}, n)
	if d.Hit || d.Answered || len(n.asked) > 0 {
		t.Fatalf("%+v, asked %v", d, n.asked)
	}
}

func TestGuardTurnsASurpriseIntoAMiss(t *testing.T) {
	p := global(func(s *Settings) { s.Guard, s.Threshold, s.Alpha = 0.2, 0.5, 0.05 })
	s := &State{}
	s.start(&Policy{Classes: 4, Specialists: make([]Specialist, 1)})
	s.Window = []float32{1, 0, 0, 0}
	usual := &fakeNets{specialist: map[int][]float32{0: {6, 0, 0, 0}}, selector: []float32{9, 0, 0, 0}}
	for range 20 {
		if d := decide(t, p, s, usual); !d.Hit {
			t.Fatalf("%+v", d)
		}
	}
	// with the prior it would still answer class 0; the raw probability mass shows that it may be another class
	surprise := &fakeNets{specialist: map[int][]float32{0: {2, 2, 0, 0}}, selector: []float32{9, 0, 0, 0}}
	if d := decide(t, p, s, surprise); d.Hit {
		t.Fatalf("%+v", d)
	}
	p.Guard = 0
	if d := decide(t, p, s, surprise); !d.Hit || d.Class != 0 {
		t.Fatalf("without guard: %+v", d)
	}
}

func TestOldFramesAnswerButDoNotTeach(t *testing.T) {
	p, s := global(func(s *Settings) { s.Guard = 0.1 }), &State{}
	n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 0, 0}}, selector: []float32{9, 0, 0, 0}}
	if !s.Newer(3, 0) {
		t.Fatal("the first frame of a stream is new")
	}
	decide(t, p, s, n)
	before, outside := slices.Clone(s.Window), s.Outside
	for _, offset := range []int64{0, -1} {
		if s.Newer(3, offset) {
			t.Fatalf("offset %d counts as newer", offset)
		}
	}
	if _, err := p.Decide(s, n, false); err != nil || !slices.Equal(before, s.Window) || s.Outside != outside {
		t.Fatalf("window moved from %v to %v, mass outside from %v to %v, %v", before, s.Window, outside, s.Outside, err)
	}
	if !s.Newer(3, 1) || !s.Newer(4, 0) {
		t.Fatal("a later offset and another partition are new")
	}
}

func TestFeedbackTeachesOnlyThroughTeach(t *testing.T) {
	p, s := global(func(s *Settings) { s.Teacher = Feedback }), &State{}
	n := &fakeNets{specialist: map[int][]float32{0: {0, 0, 0, 0}}}
	if d := decide(t, p, s, n); d.Hit || d.Answered || !slices.Equal(n.asked, []string{"0"}) || s.Window[2] != 0.25 {
		t.Fatalf("%+v, asked %v, window %v", d, n.asked, s.Window)
	}
	if _, err := p.Teach(s, []float32{0, 0, 1, 0}); err != nil {
		t.Fatal(err)
	}
	if s.Window[2] < 0.6 {
		t.Fatalf("window %v did not move to class 2", s.Window)
	}
}

func TestVictimDecidesWhoLeaves(t *testing.T) {
	unsure := []float32{0, 0, 0}
	n := &fakeNets{specialist: map[int][]float32{0: unsure}, selector: []float32{0, 0, 0, 0, 20, 0}}
	p, s := pairs(func(s *Settings) { s.Capacity = 2 }), &State{}
	p.Victim = func(held []int) int { return slices.Index(held, 0) }
	s.start(&Policy{Classes: 6, Specialists: make([]Specialist, 3)})
	s.Cached = []int{0, 1}
	if d := decide(t, p, s, n); d.CacheEvent != schemas.CacheEvict || !slices.Equal(s.Cached, []int{2, 1}) {
		t.Fatalf("%+v, cached %v", d, s.Cached)
	}
}

// The output of a net that gives a distribution is used as one; an invalid distribution is an error.
func TestReadyDistributionsAreNotSoftened(t *testing.T) {
	p := global(func(s *Settings) { s.Threshold, s.Alpha = 0.7, 1 })
	p.Specialists[0].Ready = true
	n := &fakeNets{specialist: map[int][]float32{0: {0.1, 0.75, 0.1, 0.05}}}
	if d := decide(t, p, &State{}, n); !d.Hit || d.Class != 1 || d.Confidence != 0.75 {
		t.Fatalf("%+v", d)
	}
	for _, bad := range [][]float32{{0, 1, 0}, {0, 2, 0, 0}, {0, float32(math.NaN()), 1, 0}} {
		n.specialist[0] = bad
		if d, err := p.Decide(&State{}, n, true); err == nil {
			t.Errorf("%v: %+v", bad, d)
		}
	}
}

func TestNetErrorIsReturned(t *testing.T) {
	broken := errors.New("broken net")
	if _, err := global(nil).Decide(&State{}, &fakeNets{err: broken}, true); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

// Whatever the nets answer, the state stays valid, the decision is consistent and the state survives its encoding.
func TestDecideKeepsTheStateSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pairs(func(s *Settings) {
			s.Kind = rapid.SampledFrom([]string{Window, Paper}).Draw(t, "kind")
			s.Teacher = rapid.SampledFrom([]string{Selector, Inline}).Draw(t, "teacher")
			s.Capacity = rapid.IntRange(1, 3).Draw(t, "capacity")
			s.Tries = rapid.IntRange(0, s.Capacity).Draw(t, "tries")
			s.Admission = rapid.IntRange(0, 3).Draw(t, "admission")
			s.Guard = rapid.SampledFrom([]float32{0, 0.3}).Draw(t, "guard")
			s.Trust = rapid.SampledFrom([]float32{0, 0.7}).Draw(t, "trust")
			s.Share = rapid.SampledFrom([]float32{0, 0.1}).Draw(t, "share")
			s.Alpha = rapid.Float32Range(0, 1).Draw(t, "alpha")
		})
		logits := rapid.SliceOfN(rapid.Float32Range(-30, 30), 6, 6)
		small := rapid.SliceOfN(rapid.Float32Range(-30, 30), 3, 3)
		s := &State{}
		for range rapid.IntRange(1, 30).Draw(t, "frames") {
			n := &fakeNets{specialist: map[int][]float32{0: small.Draw(t, "s0"), 1: small.Draw(t, "s1"), 2: small.Draw(t, "s2")}, selector: logits.Draw(t, "sel"), full: logits.Draw(t, "full")}
			d, err := p.Decide(s, n, true)
			if err != nil {
				t.Fatal(err)
			}
			checkDecision(t, p, s, d)
			b, err := s.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			back := &State{}
			if err := back.UnmarshalBinary(b); err != nil || !slices.Equal(back.Cached, s.Cached) || !slices.Equal(back.Window, s.Window) {
				t.Fatalf("%+v became %+v: %v", s, back, err)
			}
		}
	})
}

func checkDecision(t *rapid.T, p *Policy, s *State, d Decision) {
	known := func() bool {
		classes := p.Specialists[d.Specialist].Classes // nil: all
		return classes == nil || slices.Contains(classes, d.Class)
	}
	if d.Hit && (d.Class < 0 || !known()) {
		t.Fatalf("hit of specialist %d on class %d, which it does not know", d.Specialist, d.Class)
	}
	if d.Answered && (d.Confidence < 0 || d.Confidence > 1.0001 || d.Entropy < -1e-4) {
		t.Fatalf("%+v", d)
	}
	if len(s.Cached) < 1 || len(s.Cached) > p.Capacity {
		t.Fatalf("%d cached with capacity %d", len(s.Cached), p.Capacity)
	}
	seen := slices.Clone(s.Cached)
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(s.Cached) {
		t.Fatalf("a specialist is cached twice: %v", s.Cached)
	}
	var sum float32
	for _, w := range s.Window {
		sum += w
	}
	if !(s.Credit[0] >= 0 && s.Credit[1] >= 0 && s.Credit[0]+s.Credit[1] <= 1.0001) {
		t.Fatalf("credit %v", s.Credit)
	}
	if sum < 0.999 || sum > 1.001 {
		t.Fatalf("window sums to %v", sum)
	}
}
