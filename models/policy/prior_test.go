package policy

import (
	"math"
	"testing"
)

// Weighing a distribution by the prior that Prior returns gives what the hit test sees.
func TestPriorIsWhatTheHitTestWeighsWith(t *testing.T) {
	p := Policy{Settings: Settings{Kind: Window, Score: Confidence, Threshold: 2, Teacher: Feedback, Alpha: 0.2, Decay: 0.5, Share: 0.05, Slow: 0.9}, Classes: 3,
		Specialists: []Specialist{{Temperature: 1, Ready: true}}}
	var s State
	prior := make([]float32, 3)
	if !p.Prior(prior, &s) || prior[0] != prior[1] {
		t.Fatalf("a new stream's prior is %v", prior)
	}
	for range 3 {
		if _, err := p.Teach(&s, []float32{0.9, 0.1, 0}); err != nil {
			t.Fatal(err)
		}
	}
	p.Prior(prior, &s)
	raw := []float32{0.3, 0.3, 0.4}
	d, err := p.Decide(&s, &saying{raw}, true)
	if err != nil {
		t.Fatal(err)
	}
	sum := prior[0]*raw[0] + prior[1]*raw[1] + prior[2]*raw[2]
	if want := prior[0] * raw[0] / sum; d.Small.Class != 0 || math.Abs(float64(d.Small.Confidence-want)) > 1e-5 {
		t.Errorf("%+v, the prior %v asks for %v", d.Small, prior, want)
	}
	if p.Alpha = 1; p.Prior(prior, &s) {
		t.Error("a policy without a prior has one")
	}
}

// saying is a net with one answer.
type saying struct{ p []float32 }

func (f *saying) Specialist(int) ([]float32, error) { return f.p, nil }
func (f *saying) Selector() ([]float32, error)      { return f.p, nil }
func (f *saying) Full() ([]float32, error)          { return f.p, nil }
