package policy

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

// fixed is a coin that always lands the same way.
type fixed uint64

func (f fixed) Toss() uint64 { return uint64(f) }

// heads audits whatever the rate, tails nothing but at rate 1.
const (
	heads = fixed(0)
	tails = fixed(math.MaxUint64)
)

// random is a coin of the test's own.
type random struct{ *rand.Rand }

func (r random) Toss() uint64 { return r.Uint64() }

func audited(edit func(*Settings)) *Policy {
	return global(func(s *Settings) {
		s.Teacher, s.AuditRate = Inline, 0.01
		if edit != nil {
			edit(s)
		}
	})
}

// says are nets of which the small one and the full one are each confident of a class.
func says(small, full int) *fakeNets {
	n := &fakeNets{specialist: map[int][]float32{0: make([]float32, 4)}, full: make([]float32, 4)}
	n.specialist[0][small], n.full[full] = 9, 12
	n.selector = n.full
	return n
}

func toss(t *testing.T, p *Policy, s *State, n *fakeNets, coin Coin) Decision {
	t.Helper()
	n.asked = nil
	d, err := p.DecideAudited(s, n, true, coin)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAnAuditedHitStaysAHitAndTeaches(t *testing.T) {
	p, s, n := audited(nil), &State{}, says(1, 1)
	before := toss(t, p, s, n, tails)
	if before.Audited || before.AuditRate != 0.01 || before.AuditClass != -1 || len(n.asked) != 1 {
		t.Fatalf("%+v, asked %v", before, n.asked)
	}
	was := s.Window[1]
	d := toss(t, p, s, n, heads)
	if !d.Hit || d.Class != 1 || !d.Audited || d.AuditClass != 1 || !slices.Equal(n.asked, []string{"0", "full"}) {
		t.Errorf("%+v, asked %v", d, n.asked)
	}
	if s.Window[1] <= was {
		t.Error("the audit taught nothing")
	}
}

func TestWhereTheSelectorTeachesAnAuditAsksIt(t *testing.T) {
	p := audited(func(s *Settings) { s.Teacher = Selector })
	n := says(1, 2)
	d := toss(t, p, &State{}, n, heads)
	if !d.Hit || !d.Audited || d.AuditClass != -1 || !slices.Equal(n.asked, []string{"0", "selector"}) {
		t.Errorf("%+v, asked %v", d, n.asked)
	}
}

func TestAHitSurvivesAnAuditThatFails(t *testing.T) {
	p, s, n := audited(nil), &State{}, says(1, 1)
	n.full[0] = float32(math.NaN())
	d, err := p.DecideAudited(s, n, true, heads)
	if err != nil || !d.Hit || d.Class != 1 || d.AuditErr == nil || d.AuditClass != -1 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestRatesOfAudits(t *testing.T) {
	p, s := audited(nil), &State{}
	if d := toss(t, p, s, says(1, 1), tails); d.AuditRate != 0.01 {
		t.Errorf("an ordinary hit: %v", d.AuditRate)
	}
	held, fresh := audited(func(s *Settings) { s.MaxFalseHits = 0.02 }), &State{}
	toss(t, held, fresh, says(1, 1), tails)
	fresh.Trust.Fresh = 0
	if d := toss(t, held, fresh, says(1, 1), tails); !d.Hit || d.AuditRate != heldRate*held.AuditRate {
		t.Errorf("an ordinary hit under a limit: %+v", d)
	}
	unsure := says(1, 2)
	unsure.specialist[0] = make([]float32, 4)
	s.Window = []float32{0.5, 0.5, 0, 0}
	toss(t, p, s, unsure, tails) // a miss of a class that the window does not expect
	s.Window, s.Trust.Class = []float32{0.4, 0.4, 0.2, 0}, 2
	if d := toss(t, p, s, says(1, 1), tails); d.AuditRate != freshRate*p.AuditRate {
		t.Errorf("after a switch: %v", d.AuditRate)
	}
	s.Window = []float32{1, 0, 0, 0}
	routed := audited(func(s *Settings) { s.Teacher = Selector }) // else the class has to be confirmed
	if d := toss(t, routed, s, says(3, 3), tails); !d.Hit || d.AuditRate != weakRate*p.AuditRate {
		t.Errorf("against the window: %+v", d)
	}
	s.Window, s.Trust = []float32{0, 1, 0, 0}, Trust{}
	carried := says(1, 1)
	carried.specialist[0] = []float32{0.4, 0.2, 0.4, 0.4}
	if d := toss(t, p, s, carried, tails); !d.Hit || d.AuditRate != weakRate*p.AuditRate {
		t.Errorf("carried by the window: %+v", d)
	}
}

// One wrong hit sends the stream to the full model for a few frames, and evicts nothing.
func TestOneWrongHitIsTolerated(t *testing.T) {
	p, s := audited(nil), &State{}
	for range soonFrames {
		toss(t, p, s, says(1, 1), tails)
	}
	if d := toss(t, p, s, says(1, 2), heads); !d.Hit || d.CacheEvent != schemas.TrustBypass {
		t.Fatalf("%+v", d)
	}
	for i := range p.firstProof() {
		d := toss(t, p, s, says(1, 1), tails)
		if d.Hit || !d.Answered || d.Class != 1 {
			t.Fatalf("frame %d on probation: %+v", i, d)
		}
		if want := map[bool]string{true: schemas.TrustReturn, false: schemas.CacheNone}[i == p.firstProof()-1]; d.CacheEvent != want {
			t.Errorf("frame %d: event %q, want %q", i, d.CacheEvent, want)
		}
	}
	if d := toss(t, p, s, says(1, 1), tails); !d.Hit {
		t.Errorf("%+v", d)
	}
}

// A net that is caught again soon has to be right twice as often in a row; one that is not, half as often.
func TestMistakesInARowTakeMoreProof(t *testing.T) {
	p, s := audited(nil), &State{}
	need := p.firstProof()
	for round, calm := range []int{soonFrames, 0, 0, 0, soonFrames, soonFrames, 0, calmFrames} {
		for range calm {
			toss(t, p, s, says(1, 1), tails)
		}
		toss(t, p, s, says(1, 2), heads)
		switch {
		case calm >= calmFrames:
			need = p.firstProof()
		case calm > 0:
			need = max(p.firstProof(), need/2)
		default:
			need = min(max(mostOdd, oddTimes*p.firstProof()), 2*need)
		}
		frames := uint16(0)
		for s.Trust.Mode != answering && frames < 10*proofAfter {
			toss(t, p, s, says(1, 1), tails)
			frames++
		}
		if s.Trust.Mode != answering || round > 0 && frames != need {
			t.Errorf("round %d: back after %d right answers, want %d", round, frames, need)
		}
	}
}

// The fewer classes there are, the likelier a wrong net agrees with the full model by chance.
func TestFewClassesTakeMoreProof(t *testing.T) {
	for classes, want := range map[int]uint16{1: 6, 2: 6, 3: 4, 4: 3, 10: 2, 48: 1, 1000: 1} {
		if got := (&Policy{Classes: classes}).firstProof(); got != want {
			t.Errorf("%d classes: %d right answers, want %d", classes, got, want)
		}
	}
}

// Answers that the net hesitates about end a probation when they are right, and nothing when they are wrong.
func TestHesitantAnswersProveSomething(t *testing.T) {
	hesitant := func(class, full int) *fakeNets {
		n := says(class, full)
		for i, l := range n.specialist[0] {
			n.specialist[0][i] = l / 1000
		}
		return n
	}
	for _, right := range []bool{true, false} {
		p, s := audited(func(s *Settings) { s.Alpha = 1 }), &State{}
		toss(t, p, s, says(1, 2), heads)
		full := 2
		if right {
			full = 1
		}
		event := ""
		for range 2 * p.firstProof() {
			d := toss(t, p, s, hesitant(1, full), tails)
			if !d.Asked || d.Small.Class != 1 || p.Sure(d.Small, d.Threshold) {
				t.Fatalf("%+v", d)
			}
			event = d.CacheEvent
		}
		if (event == schemas.TrustReturn) != right || right != (s.Trust.Mode == answering) {
			t.Errorf("right %v: event %q, mode %d", right, event, s.Trust.Mode)
		}
	}
}

// A stream that the net gets confidently wrong drifts, and recovers when the net is right again; each time it
// needs more proof.
func TestADriftEndsWhenTheNetIsRightAgain(t *testing.T) {
	p, s := audited(func(s *Settings) { s.Alpha = 1 }), &State{}
	for round, want := range []int{proofAfter, 2 * proofAfter, 4 * proofAfter} {
		toss(t, p, s, says(1, 2), heads)
		event, frames := "", 0
		for event != schemas.TrustDrift && frames < 20 {
			d := toss(t, p, s, says(1, 2), tails)
			if d.Class != 2 {
				t.Fatal("a wrong answer passed")
			}
			event, frames = d.CacheEvent, frames+1
		}
		if frames > 8 {
			t.Errorf("round %d: drift after %d frames", round, frames)
		}
		for frames = 1; toss(t, p, s, says(1, 1), tails).CacheEvent != schemas.TrustReturn; frames++ {
			if frames > 1000 {
				t.Fatal("the stream never recovers")
			}
		}
		if frames != want {
			t.Errorf("round %d: back after %d frames, want %d", round, frames, want)
		}
	}
	for range calmFrames {
		toss(t, p, s, says(1, 1), tails)
	}
	toss(t, p, s, says(1, 2), heads)
	if s.Trust.Proof != 0 {
		t.Errorf("after a quiet period it needs %d proofs", s.Trust.Proof)
	}
}

// Too many wrong hits make the threshold stricter, step by step, and in the end the full model answers.
func TestTooManyWrongHitsMakeItStricter(t *testing.T) {
	p, s := audited(func(s *Settings) { s.MaxFalseHits, s.Alpha = 0.02, 1 }), &State{}
	var events []string
	last := p.Threshold
	rng := rand.New(rand.NewPCG(1, 1))
	for range 4000 {
		truth := 1 + rng.IntN(2) // both are classes that the stream shows
		small := truth
		if rng.Float64() < 0.15 {
			small = 3 - truth
		}
		n := says(small, truth)
		n.specialist[0][small] = 40 // confident beyond any threshold
		d := toss(t, p, s, n, heads)
		if d.Hit && d.Threshold < last {
			t.Fatalf("threshold %v after %v", d.Threshold, last)
		}
		if last = d.Threshold; d.CacheEvent == schemas.TrustStricter || s.Trust.Mode == distrust {
			events = append(events, d.CacheEvent)
		}
		if s.Trust.Mode == distrust && s.Trust.Level == maxLevel {
			break
		}
	}
	if s.Trust.Mode != distrust || s.Trust.Level != maxLevel || slices.Index(events, schemas.TrustStricter) < 0 {
		t.Fatalf("%+v after %v", s.Trust, events)
	}
	for i := 0; s.Trust.Level > 0; i++ {
		if toss(t, p, s, says(1, 1), heads); i > 5000 {
			t.Fatalf("the stream never recovers: %+v", s.Trust)
		}
	}
}

// Without hits, the small net is called less and less often; when locality returns, the stream recovers.
func TestAStreamWithoutHitsIsBypassed(t *testing.T) {
	for _, teacher := range []string{Inline, Selector} {
		p, s := audited(func(s *Settings) { s.Teacher, s.AuditRate, s.Alpha = teacher, 0, 1 }), &State{}
		p.Cost = 0.3
		unsure := says(0, 2)
		unsure.specialist[0] = make([]float32, 4)
		asked, bypassed := 0, false
		for range 3000 {
			bypassed = toss(t, p, s, unsure, nil).CacheEvent == schemas.TrustBypass || bypassed
			if slices.Contains(unsure.asked, "0") {
				asked++
			}
		}
		if over := float64(asked) * float64(p.Cost) / 3000; !bypassed || over > 0.05 {
			t.Errorf("%s: asked %d times of 3,000, %.1f %% more than full only", teacher, asked, 100*over)
		}
		for frames := 0; toss(t, p, s, says(1, 1), nil).CacheEvent != schemas.TrustReturn; frames++ {
			if frames > probeEvery {
				t.Fatal("the stream does not recover")
			}
		}
		for range 200 {
			if d := toss(t, p, s, says(1, 1), nil); !d.Hit {
				t.Fatalf("%s: %+v", teacher, d)
			}
		}
	}
}

// Whatever the nets answer and the coins show, the state stays valid, survives its encoding, and decides the same afterwards.
func TestTrustSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := audited(func(s *Settings) {
			s.AuditRate = rapid.SampledFrom([]float32{0.01, 0.3, 1}).Draw(t, "rate")
			s.MaxFalseHits = rapid.SampledFrom([]float32{0, 0.02, 0.4}).Draw(t, "limit")
		})
		p.Cost = rapid.SampledFrom([]float32{0, 0.04, 0.9}).Draw(t, "cost")
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 1))
		one, other := &State{}, &State{}
		for i := range rapid.IntRange(1, 900).Draw(t, "frames") {
			n := says(rng.IntN(2+i/100%3), rng.IntN(2))
			n.specialist[0][rng.IntN(4)] += float32(rng.IntN(12))
			coin := fixed(rng.Uint64())
			want, err := p.DecideAudited(one, n, true, coin)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := other.AppendBinary(nil)
			if err := other.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			got, err := p.DecideAudited(other, n, true, coin)
			if err != nil || got != want || !one.Trust.sound() || one.Trust != other.Trust {
				t.Fatalf("frame %d: %+v, %v, want %+v; %+v and %+v", i, got, err, want, one.Trust, other.Trust)
			}
			if want.Hit && want.AuditRate < p.AuditRate || !want.Hit && (want.Audited || want.AuditRate != 0) {
				t.Fatalf("%+v", want)
			}
		}
	})
}

// A state written before audits existed still decodes.
func TestStatesWithoutTrustDecode(t *testing.T) {
	p, s := audited(nil), &State{}
	p.AuditRate = 0
	toss(t, p, s, says(1, 1), nil)
	b, _ := s.AppendBinary(nil)
	if !slices.Equal(b[len(b)-3:], []byte{0, 0, 0}) {
		t.Fatal("a state without audits, repeated answers and pictures does not end with one 0 for each")
	}
	older, got := slices.Clone(b[:len(b)-2]), &State{Last: Last{Known: true}}
	older[0] = unrepeating
	if err := got.UnmarshalBinary(older); err != nil || got.Last != (Last{}) || !slices.Equal(got.Window, s.Window) {
		t.Errorf("%+v, %v", got, err)
	}
	older[0], older, got = unauditedStates, older[:len(older)-1], &State{Trust: Trust{Mode: distrust}}
	if err := got.UnmarshalBinary(older); err != nil || got.Trust != (Trust{}) || !slices.Equal(got.Window, s.Window) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := got.UnmarshalBinary(older[:len(older)-1]); !errors.Is(err, errState) {
		t.Error(err)
	}
}

// A state written before the last answer was a part of it still decodes.
func TestStatesWithoutALastAnswerDecode(t *testing.T) {
	p, s := audited(nil), &State{}
	toss(t, p, s, says(1, 1), heads)
	if s.Trust.Class != 2 {
		t.Fatalf("%+v", s.Trust)
	}
	b, _ := s.AppendBinary(nil)
	const after = 4*3 + 1 // the three floats behind it, and the byte of Last
	b = b[:len(b)-1]      // nothing about pictures
	older, got := slices.Delete(slices.Clone(b), len(b)-after-1, len(b)-after), &State{}
	older[0] = answerless
	want := s.Trust
	want.Class = 0
	if err := got.UnmarshalBinary(older); err != nil || got.Trust != want {
		t.Errorf("%+v, %v, want %+v", got.Trust, err, want)
	}
}

func TestAuditsAllocateNothing(t *testing.T) {
	nets, p, s := newRows(48, 256), benchPolicy(48), &State{}
	p.AuditRate, p.MaxFalseHits, p.Cost = 0.2, 0.05, 0.04
	coin := random{rand.New(rand.NewPCG(1, 1))}
	var c Coin = coin
	frame := 0
	if n := testing.AllocsPerRun(2000, func() {
		nets.at = frame % 256
		frame++
		if _, err := p.DecideAudited(s, nets, true, c); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
