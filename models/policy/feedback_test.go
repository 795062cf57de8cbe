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
