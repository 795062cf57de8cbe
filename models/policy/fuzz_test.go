package policy

import (
	"math"
	"testing"
)

// steady are nets that always give the same answer.
type steady struct{}

func (steady) Specialist(int) ([]float32, error) { return []float32{0, 1, 0.5}, nil }
func (steady) Selector() ([]float32, error)      { return []float32{2, 0, 1, 0}, nil }
func (steady) Full() ([]float32, error)          { return []float32{0, 3, 1, 0}, nil }

// A state of any content is refused, or decides about frames: it may decide badly, but never outside the pack's range.
func FuzzState(f *testing.F) {
	p := &Policy{
		Settings: Settings{Kind: Window, Score: Confidence, Threshold: 0.9, Teacher: Selector, Alpha: 0.2, Decay: 0.8, Capacity: 2, Share: 0.1},
		Classes:  4, SelectorTemperature: 1, FullTemperature: 1,
		Specialists: []Specialist{{Classes: []int{0, 1}, Other: true, Temperature: 1}, {Classes: []int{2, 3}, Other: true, Temperature: 1}},
	}
	for _, s := range []State{{}, {Cached: []int{1, 0}, Window: []float32{0.1, 0.2, 0.3, 0.4}, Slow: []float32{0.4, 0.3, 0.2, 0.1}, Credit: [2]float32{0.5, 0.3}, Offset: 7}, {Cached: []int{-1}, Window: make([]float32, 4), Slow: make([]float32, 4)},
		{Cached: []int{1, 1, 1}, Window: []float32{-1, float32(math.NaN()), float32(math.Inf(1)), 0}, Slow: make([]float32, 4), Candidate: math.MinInt}} {
		b, err := s.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s State
		if err := s.UnmarshalBinary(b); err != nil {
			return
		}
		for offset := range int64(3) {
			d, err := p.Decide(&s, steady{}, s.Newer(s.Partition, s.Offset+offset))
			if err != nil {
				t.Fatal(err)
			}
			if d.Specialist < 0 || d.Specialist > 1 || d.Hit && (d.Class < 0 || d.Class > 3) {
				t.Errorf("decision %+v of %+v", d, s)
			}
		}
	})
}
