package policy

import "math"

// Answer is what a net says of a frame.
type Answer struct {
	Class      int     // label, -1 when the net's best output is "other"
	Confidence float32 // probability of Class (of "other" when Class is -1), 0 … 1
	Entropy    float32 // nats
}

// Read turns the logits of a net that knows all classes, in order, into its answer at that temperature.
func Read(logits []float32, temperature float32) Answer {
	return summarise(Probabilities(logits, temperature), nil)
}

// Probabilities returns the distribution over the outputs that logits stand for at that temperature.
func Probabilities(logits []float32, temperature float32) []float32 {
	return softmax(make([]float32, len(logits)), logits, temperature)
}

// softmax writes the distribution of logits ÷ temperature into dst, which has the same length.
func softmax(dst, logits []float32, temperature float32) []float32 {
	top := float32(math.Inf(-1))
	for _, l := range logits {
		top = max(top, l)
	}
	for i, l := range logits {
		dst[i] = float32(math.Exp(float64((l - top) / temperature)))
	}
	return normalise(dst)
}

// normalise scales p to sum to one; a vector without mass becomes uniform.
func normalise(p []float32) []float32 {
	var sum float32
	for _, v := range p {
		sum += v
	}
	for i := range p {
		if sum > 0 {
			p[i] /= sum
		} else {
			p[i] = 1 / float32(len(p))
		}
	}
	return p
}

// negligible probabilities add less than 2e-6 nats to an entropy, and most are: their logarithms would be
// most of the policy's cost.
const negligible = 1e-7

// summarise finds the answer in a distribution over classes (nil: all, in order); an output beyond classes is "other".
func summarise(p []float32, classes []int) Answer {
	best, entropy := 0, 0.0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
		if v > negligible {
			entropy -= float64(v) * math.Log(float64(v))
		}
	}
	a := Answer{Class: best, Confidence: p[best], Entropy: float32(entropy)}
	if classes != nil {
		a.Class = -1
		if best < len(classes) {
			a.Class = classes[best]
		}
	}
	return a
}

// only is the distribution that is sure of one of n classes.
func only(class, n int) []float32 {
	q := make([]float32, n)
	q[class] = 1
	return q
}
