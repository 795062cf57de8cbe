package policy

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cachenet/cachenet/schemas"
)

// fixedNets answers a frame with given logits.
type fixedNets struct{ small, full []float32 }

func (n fixedNets) Specialist(int) ([]float32, error) { return n.small, nil }
func (n fixedNets) Selector() ([]float32, error)      { return n.full, nil }
func (n fixedNets) Full() ([]float32, error)          { return n.full, nil }

// An answer that comes back from elsewhere before the stream's next frame leaves the stream as the full model here would:
// the same hits, the same misses, the same state.
func TestAnswersThatComeAtOnceTeachAsInline(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := Settings{Kind: Window, Score: Confidence, Threshold: 0.8, Alpha: 0.2, Decay: 0.8, Capacity: 2, Trust: 0.95, Share: float32(seed%2) * 0.05}
		if s.Share > 0 {
			s.Slow = 0.98
		}
		here, elsewhere := s, s
		here.Teacher, elsewhere.Teacher = Inline, Feedback
		specialists := []Specialist{{Temperature: 1}, {Temperature: 1}}
		p := &Policy{Settings: here, Classes: 5, Specialists: specialists, FullTemperature: 1}
		q := &Policy{Settings: elsewhere, Classes: 5, Specialists: specialists, FullTemperature: 1}
		var a, b State
		hits := 0
		for frame := range 400 {
			nets := fixedNets{small: make([]float32, 5), full: make([]float32, 5)}
			class := frame / 60 % 5
			for c := range 5 {
				nets.small[c], nets.full[c] = float32(r.NormFloat64()), float32(r.NormFloat64())
			}
			nets.small[class] += 3
			nets.full[class] += 5
			want, err := p.Decide(&a, nets, true)
			if err != nil {
				t.Fatal(err)
			}
			got, err := q.Decide(&b, nets, true)
			if err != nil {
				t.Fatal(err)
			}
			if got.Hit != want.Hit || got.Answered != want.Hit {
				t.Fatalf("seed %d, frame %d: %+v, want %+v", seed, frame, got, want)
			}
			if got.Hit {
				hits++
				continue
			}
			answer := make([]float32, 5)
			if err := softmax(answer, nets.full, 1); err != nil {
				t.Fatal(err)
			}
			if event, err := q.Teach(&b, answer); err != nil || event != want.CacheEvent {
				t.Fatalf("seed %d, frame %d: %s, %v; want %s", seed, frame, event, err, want.CacheEvent)
			}
		}
		if diff := cmp.Diff(a, b, cmpopts.IgnoreUnexported(State{}), cmpopts.IgnoreFields(State{}, "Trust")); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		if hits == 0 || hits == 400 {
			t.Fatalf("seed %d: %d hits: the test shows nothing", seed, hits)
		}
	}
}

// always is a coin that audits every hit.
type always struct{}

func (always) Toss() uint64 { return 0 }

// An audit whose answer comes from elsewhere asks no net here.
func TestAnAuditWaitsForItsAnswer(t *testing.T) {
	p := &Policy{Settings: Settings{Kind: Window, Score: Confidence, Threshold: 0.5, Alpha: 1, Capacity: 1, Teacher: Feedback, AuditRate: 1}, Classes: 2, Specialists: []Specialist{{Temperature: 1}}, FullTemperature: 1}
	var s State
	d, err := p.DecideAudited(&s, fixedNets{small: []float32{9, 0}}, true, always{})
	if err != nil || !d.Hit || !d.Audited || d.AuditClass != -1 || d.AuditErr != nil || d.CacheEvent != schemas.CacheNone {
		t.Errorf("%+v, %v", d, err)
	}
}

// With audits the same holds of all that they and confirmations make a stream do: stricter thresholds, probation, drift, and the way back.
func TestWhatAuditsShowComesBackWithTheAnswers(t *testing.T) {
	events := map[string]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := Settings{Kind: Window, Score: Confidence, Threshold: 0.8, Alpha: 0.2, Decay: 0.8, Capacity: 1, Trust: 0.95, AuditRate: 0.1 + 0.9*float32(seed%4/3), MaxFalseHits: float32(seed%2) * 0.02}
		here, elsewhere := s, s
		here.Teacher, elsewhere.Teacher = Inline, Feedback
		p := &Policy{Settings: here, Classes: 5, Specialists: []Specialist{{Temperature: 1}}, FullTemperature: 1}
		q := &Policy{Settings: elsewhere, Classes: 5, Specialists: p.Specialists, FullTemperature: 1}
		var a, b State
		for frame := range 1500 {
			small, full := frame/40%5, frame/40%5
			if frame/300%2 == 1 && seed%3 > 0 {
				small = (full + 1) % 5 // the small net knows these pictures no more
			}
			nets := says5(r, small, full)
			if seed%4 == 3 && r.IntN(15) == 0 { // now and then it goes on with its last answer where that is wrong
				nets.full[(full+1)%5] += 20
			}
			coin := fixed(r.Uint64())
			want, err := p.DecideAudited(&a, nets, true, coin)
			if err != nil {
				t.Fatal(err)
			}
			got, err := q.DecideAudited(&b, nets, true, coin)
			if err != nil {
				t.Fatal(err)
			}
			if got.Hit != want.Hit || got.Audited != want.Audited || got.AuditRate != want.AuditRate || got.Threshold != want.Threshold {
				t.Fatalf("seed %d, frame %d: %+v, want %+v", seed, frame, got, want)
			}
			if got.Hit && !got.Audited {
				continue
			}
			e := Earlier{Outcome: schemas.Hit, Sure: got.Class}
			if !got.Hit {
				e = Earlier{Outcome: schemas.Miss, Sure: -1}
				switch {
				case got.Asked && q.Sure(got.Small, got.Threshold):
					e.Sure = got.Small.Class
				case got.Asked:
					e.Unsure = got.Small.Class + 1
				}
			}
			answer := make([]float32, 5)
			if err := softmax(answer, nets.full, 1); err != nil {
				t.Fatal(err)
			}
			if event, err := q.TeachLate(&b, answer, e); err != nil || event != want.CacheEvent {
				t.Fatalf("seed %d, frame %d, %+v: %s, %v; want %s", seed, frame, e, event, err, want.CacheEvent)
			}
			events[want.CacheEvent]++
		}
		if diff := cmp.Diff(a, b, cmpopts.IgnoreUnexported(State{})); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
	for _, e := range []string{schemas.TrustBypass, schemas.TrustReturn, schemas.TrustDrift, schemas.TrustStricter} {
		if events[e] == 0 {
			t.Errorf("no stream had %s: the test shows nothing of it", e)
		}
	}
}

func says5(r *rand.Rand, small, full int) fixedNets {
	n := fixedNets{small: make([]float32, 5), full: make([]float32, 5)}
	for c := range 5 {
		n.small[c], n.full[c] = float32(r.NormFloat64()), float32(r.NormFloat64())
	}
	n.small[small] += 4
	n.full[full] += 9
	return n
}

// While the confirmation of a class is in flight hits on it stand; a confirmation that finds another class ends that.
func TestAClassIsConfirmedOnceWhileItsAnswerIsInFlight(t *testing.T) {
	p := audited(func(s *Settings) { s.Teacher = Feedback })
	s := &State{}
	for range 20 {
		toss(t, p, s, says(1, 1), tails)
		if _, err := p.TeachLate(s, []float32{0, 1, 0, 0}, Earlier{Outcome: schemas.Miss, Sure: 1}); err != nil {
			t.Fatal(err)
		}
	}
	d := toss(t, p, s, says(2, 2), tails)
	if d.Hit || d.Answered || !d.Moved || !p.Sure(d.Small, d.Threshold) {
		t.Fatalf("the first frame of a class is %+v", d)
	}
	for range 5 {
		if d := toss(t, p, s, says(2, 2), tails); !d.Hit {
			t.Fatalf("a frame of a class that is being confirmed is %+v", d)
		}
	}
	event, err := p.TeachLate(s, []float32{0, 0, 0, 1}, Earlier{Outcome: schemas.Miss, Sure: 2})
	if err != nil || event != schemas.TrustBypass || s.Trust.Mode != probation {
		t.Fatalf("%s, %v, mode %d", event, err, s.Trust.Mode)
	}
	if d := toss(t, p, s, says(3, 3), tails); d.Hit || d.Answered || !d.Asked {
		t.Errorf("a frame on probation is %+v", d)
	}
}

// Frames that get no answer, as in an outage, are no evidence against the small net.
func TestAnOutageProvesNothing(t *testing.T) {
	p := audited(func(s *Settings) { s.Teacher = Feedback })
	s := &State{}
	toss(t, p, s, says(1, 1), tails)
	if _, err := p.TeachLate(s, []float32{0, 0, 1, 0}, Earlier{Outcome: schemas.Miss, Sure: 1}); err != nil || s.Trust.Mode != probation {
		t.Fatalf("%v, mode %d", err, s.Trust.Mode)
	}
	for range 3 * driftAfter {
		if d := toss(t, p, s, says(1, 1), tails); d.CacheEvent != schemas.CacheNone {
			t.Fatalf("%+v", d)
		}
	}
	need := 2 * p.firstProof() // a new stream
	for i := range need {
		event, err := p.TeachLate(s, []float32{0, 1, 0, 0}, Earlier{Outcome: schemas.Miss, Sure: 1})
		if last := i == need-1; err != nil || (event == schemas.TrustReturn) != last {
			t.Errorf("answer %d: %s, %v", i, event, err)
		}
	}
}
