package models

import (
	"fmt"
	"math"
)

// least is the probability that a net's 0 counts as: its logarithm must be finite.
const least = 1e-12

// coarse is how far from 1 probabilities of low precision may sum.
const coarse = 0.05

// logarithms turns the probabilities of one frame into logits: softmax gives them back. Those that are none, or do not
// sum to 1, are an error: softmax would make an answer of them all the same, of zeros one that names the first class.
func logarithms(p []float32) error {
	var sum float64
	for i, v := range p {
		if !(v >= 0 && v <= 1+coarse) {
			return fmt.Errorf("%w: %w: number %d is %v", ErrNotFinite, errNoDistribution, i, v)
		}
		sum += float64(v)
		p[i] = float32(math.Log(max(float64(v), least)))
	}
	if !(math.Abs(sum-1) <= coarse) {
		return fmt.Errorf("%w: %w: their sum is %v", ErrNotFinite, errNoDistribution, sum)
	}
	return nil
}
