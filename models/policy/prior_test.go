package policy

import (
	"math"
	"reflect"
	"testing"
)

// Fused answers are weighed with what the stream has shown over a longer time than the window holds: a wrong answer or two do not outweigh it. Decisions are those without fusing.
func TestFusingRemembersLonger(t *testing.T) {
	p := Policy{Settings: Settings{Kind: Window, Score: Confidence, Threshold: 0.7, Teacher: Feedback, Alpha: 0.2, Decay: 0.5, Share: 0.05, Fuse: 1}, Classes: 3,
		Specialists: []Specialist{{Temperature: 1, Ready: true}}}
	plain := p
	plain.Fuse = 0
	var s, without State
	prior := make([]float32, 3)
	if !p.FusePrior(prior, &s) || prior[0] != prior[1] {
		t.Fatalf("a new stream's prior is %v", prior)
	}
	for i := range 24 {
		q := []float32{1, 0, 0}
		if i > 20 {
			q = []float32{0, 1, 0}
		}
		for _, one := range []struct {
			p *Policy
			s *State
		}{{&p, &s}, {&plain, &without}} {
			if _, err := one.p.Teach(one.s, q); err != nil {
				t.Fatal(err)
			}
		}
	}
	if p.FusePrior(prior, &s); prior[0] < 1.5*prior[1] || s.Window[1] < 2*s.Window[0] {
		t.Errorf("the prior is %v, the window %v", prior, s.Window)
	}
	if sum := prior[0] + prior[1] + prior[2]; math.Abs(float64(sum-1)) > 1e-5 {
		t.Errorf("%v sums to %v", prior, sum)
	}
	raw := []float32{0.4, 0.35, 0.25}
	a, err := p.Decide(&s, &saying{raw}, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := plain.Decide(&without, &saying{raw}, true)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("with fusing %+v, without %+v, %v", a, b, err)
	}
	if plain.FusePrior(prior, &s) {
		t.Error("a policy that does not fuse has a prior to fuse with")
	}
	if p.Alpha = 1; p.FusePrior(prior, &s) {
		t.Error("a policy without a prior has one")
	}
}

// saying is a net with one answer.
type saying struct{ p []float32 }

func (f *saying) Specialist(int) ([]float32, error) { return f.p, nil }
func (f *saying) Selector() ([]float32, error)      { return f.p, nil }
func (f *saying) Full() ([]float32, error)          { return f.p, nil }
