// Package offload decides, on a device whose full model is on a server, what happens to a frame that the small net is not
// sure of: ask the server and in which form, ask a full model on the device, or answer alone. It also combines late answers
// with those that were there before. It is plain Go, free of Beam, Kafka and clocks: times are passed in.
package offload

import (
	"errors"
	"math"
)

// Fusion combines what is known about a frame once the full model's answer has arrived, as a logarithmic opinion pool:
// p(c) ∝ full(c) · small(c)^Small · prior(c)^Prior. Weights are fitted on streams of their own; 0 leaves a source out.
// Late fusion of an edge's and a cloud's answers is the idea of Ghosh et al., "REACT", arXiv 2207.03066; the pool is that of
// Genest and Zidek, "Combining Probability Distributions", 1986.
type Fusion struct {
	Small float64 // weight of the small net's distribution, 0 … 1
	Prior float64 // weight of the window's prior, 0 … 1
}

// least keeps a class that one source rules out from being impossible.
const least = 1e-6

// Combine writes the fused distribution into dst, which may be full. All have one length, one probability for each class. A
// nil source is left out. It returns the most probable class.
func (f Fusion) Combine(dst, full, small, prior []float32) (int, error) {
	for _, s := range [][]float32{full, small, prior} {
		if s != nil && len(s) != len(dst) {
			return -1, errors.New("fuse answers: distributions over different numbers of classes")
		}
	}
	if len(dst) == 0 {
		return -1, errors.New("fuse answers: no classes")
	}
	best, sum := 0, float64(0)
	for c := range dst {
		p := floor(full[c])
		if small != nil && f.Small > 0 {
			p *= math.Pow(floor(small[c]), f.Small)
		}
		if prior != nil && f.Prior > 0 {
			p *= math.Pow(floor(prior[c]), f.Prior)
		}
		dst[c] = float32(p)
		sum += p
		if dst[c] > dst[best] {
			best = c
		}
	}
	for c := range dst {
		dst[c] = float32(float64(dst[c]) / sum)
	}
	return best, nil
}

func floor(p float32) float64 { return max(float64(p), least) }

// Example is a frame with a known class, as fusing sees it.
type Example struct {
	Class              int
	Full, Small, Prior []float32 // distributions over the classes
}

// Fit returns the weights, from a grid of steps of 0.1, whose fused answers are right most often on the examples; of equal
// ones, those with the least weight. Weights that help less than the gain asked for, a share of the examples, are left
// at 0: what barely helps here may hurt elsewhere.
func Fit(examples []Example, gain float64) Fusion {
	if len(examples) == 0 {
		return Fusion{}
	}
	best, most := Fusion{}, float64(right(Fusion{}, examples))
	need := gain * float64(len(examples))
	for s := range 11 {
		for p := range 11 {
			f := Fusion{Small: float64(s) / 10, Prior: float64(p) / 10}
			if n := float64(right(f, examples)); n > most && n >= most+need {
				best, most, need = f, n, 0
			}
		}
	}
	return best
}

// right counts the examples whose fused answer is their class.
func right(f Fusion, examples []Example) int {
	n := 0
	var dst []float32
	for _, e := range examples {
		if len(dst) != len(e.Full) {
			dst = make([]float32, len(e.Full))
		}
		if class, err := f.Combine(dst, e.Full, e.Small, e.Prior); err == nil && class == e.Class {
			n++
		}
	}
	return n
}
