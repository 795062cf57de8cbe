// Package offload decides, on a device whose full model is on a server, who answers a frame on which the small net is not
// confident: the server (and in which form the frame is sent), a full model on the device, or the small net alone. It also fuses
// late answers with the stream's recent distribution. It is plain Go, free of Beam, Kafka and clocks: times are passed in.
package offload

import (
	"errors"
	"math"
)

// Fusion combines the full model's answer with the prior of the stream's window, as a logarithmic opinion pool:
// p(c) ∝ full(c) · prior(c)^Prior. The weight is fitted on separate streams; 0 leaves the prior out.
// Late fusion of an edge's and a cloud's answers is the idea of Ghosh et al., "REACT", arXiv 2207.03066; the pool is that of
// Genest and Zidek, "Combining Probability Distributions", 1986. The small net's own distribution as a third source was
// measured and left out: with the weight 0.3 it loses 0.25 points on scenes and 0.2 on CIFAR-10, since it is wrong where the full
// model is, and elsewhere.
type Fusion struct {
	Prior float64 // weight of the window's prior, 0 … 1
}

// least is the smallest probability of a class, so that no source alone can rule it out.
const least = 1e-6

// Combine writes the fused distribution into dst, which may be full. All have one length, one probability for each class. It
// returns the most probable class.
func (f Fusion) Combine(dst, full, prior []float32) (int, error) {
	if len(dst) == 0 || len(full) != len(dst) || len(prior) != len(dst) {
		return -1, errors.New("fuse answers: distributions over different numbers of classes, or over none")
	}
	best, sum := 0, float64(0)
	for c := range dst {
		p := max(float64(full[c]), least)
		if f.Prior > 0 {
			p *= math.Pow(max(float64(prior[c]), least), f.Prior)
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

// Example is a frame with a known class, as fusing sees it.
type Example struct {
	Class       int
	Group       int       // frames of one group, such as those of one object, tend to be right or wrong together
	Full, Prior []float32 // distributions over the classes
}

// steps of the grid of weights.
const steps = 10

// Fit returns the least weight, of a grid, whose fused answers are not worse than those of the best weight by more than one
// standard error of their difference, between groups: the one-standard-error rule of Breiman et al., "Classification and
// Regression Trees", 1984. Where the best one gains less than the given share of the examples over no weight, the weight
// is 0: a small gain on these examples may be a loss on others.
func Fit(examples []Example, gain float64) Fusion {
	var scores [steps + 1]map[int]float64 // right answers of each group
	var totals [steps + 1]float64
	best := 0
	for step := range scores {
		scores[step] = Fusion{float64(step) / steps}.right(examples)
		for _, n := range scores[step] {
			totals[step] += n
		}
		if totals[step] > totals[best] {
			best = step
		}
	}
	if totals[best]-totals[0] < gain*float64(len(examples)) {
		return Fusion{}
	}
	for step := range best {
		if squares := spread(scores[best], scores[step]); totals[best]-totals[step] <= math.Sqrt(squares) {
			return Fusion{float64(step) / steps}
		}
	}
	return Fusion{float64(best) / steps}
}

// right counts the examples of each group whose fused answer is their class.
func (f Fusion) right(examples []Example) map[int]float64 {
	n := map[int]float64{}
	var dst []float32
	for _, e := range examples {
		if len(dst) != len(e.Full) {
			dst = make([]float32, len(e.Full))
		}
		if class, err := f.Combine(dst, e.Full, e.Prior); err == nil && class == e.Class {
			n[e.Group]++
		}
	}
	return n
}

// spread is the variance of the difference of two totals, whose parts are those of independent groups.
func spread(a, b map[int]float64) (squares float64) {
	for g := range a {
		squares += (a[g] - b[g]) * (a[g] - b[g])
	}
	for g := range b {
		if _, both := a[g]; !both {
			squares += b[g] * b[g]
		}
	}
	return squares
}
