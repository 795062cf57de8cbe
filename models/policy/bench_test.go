package policy

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// rows is Nets that answer from a table of frames, like a small and a large net of K classes on a stream
// that shows three of them.
type rows struct {
	small, full [][]float32
	at          int
}

func (r *rows) Specialist(int) ([]float32, error) { return r.small[r.at], nil }
func (r *rows) Selector() ([]float32, error)      { return r.full[r.at], nil }
func (r *rows) Full() ([]float32, error)          { return r.full[r.at], nil }

func newRows(classes, frames int) *rows {
	rng := rand.New(rand.NewPCG(1, 2))
	r := &rows{}
	draw := func(class int, skill float64) []float32 {
		l := make([]float32, classes)
		for i := range l {
			l[i] = float32(1.5 * rng.NormFloat64())
		}
		l[class] += float32(skill)
		return l
	}
	for f := range frames {
		class := (f / 7) % 3
		r.small, r.full = append(r.small, draw(class, 7)), append(r.full, draw(class, 11))
	}
	return r
}

func benchPolicy(classes int) *Policy {
	return &Policy{
		Settings: Settings{Kind: Window, Score: Confidence, Threshold: 0.9, Teacher: Inline, Alpha: 0.08, Decay: 0.9, Capacity: 1, Share: 0.05, Slow: 0.98},
		Classes:  classes, Specialists: []Specialist{{Temperature: 1}}, FullTemperature: 1, SelectorTemperature: 1,
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, k := range []int{10, 48, 1000} {
		for name, trust := range map[string]float32{"misses teach": 0, "sure hits teach": 0.97} {
			b.Run(fmt.Sprintf("K=%d/%s", k, name), func(b *testing.B) {
				nets, p, s := newRows(k, 256), benchPolicy(k), &State{}
				p.Trust = trust
				hits, n := 0, 0
				b.ReportAllocs()
				for b.Loop() {
					nets.at = n % 256
					d, err := p.Decide(s, nets, true)
					if err != nil {
						b.Fatal(err)
					}
					if d.Hit {
						hits++
					}
					n++
				}
				b.ReportMetric(float64(hits)/float64(n), "hits/op")
			})
		}
	}
}

// benchState is the state of a stream after some frames.
func benchState(b *testing.B, k int) *State {
	b.Helper()
	nets, p, s := newRows(k, 256), benchPolicy(k), &State{}
	for nets.at = range 256 {
		if _, err := p.Decide(s, nets, true); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkState(b *testing.B) {
	for _, k := range []int{10, 48, 1000} {
		b.Run(fmt.Sprintf("K=%d", k), func(b *testing.B) {
			s := benchState(b, k)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = s.AppendBinary(buf[:0])
				if err := s.UnmarshalBinary(buf); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(buf)), "bytes")
		})
	}
}

// What [State.fits] costs of a decision: it looks at every number of the state before each frame.
func BenchmarkFits(b *testing.B) {
	for _, k := range []int{10, 48, 1000} {
		b.Run(fmt.Sprintf("K=%d", k), func(b *testing.B) {
			s := benchState(b, k)
			b.ReportAllocs()
			for b.Loop() {
				if !s.fits(k, 1) {
					b.Fatal("the state does not fit")
				}
			}
		})
	}
}
