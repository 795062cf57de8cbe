package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Answer is what a net says about a frame.
type Answer struct {
	Class      int     // label, -1 when the net's best output is "other"
	Confidence float32 // probability of Class (of "other" when Class is -1), 0 … 1
	Entropy    float32 // of the distribution, nats
}

// Read turns the logits of a net that knows all classes, in order, into its answer at that temperature. Logits that
// are no finite numbers are an error: no class can be read from them.
func Read(logits []float32, temperature float32) (Answer, error) {
	p, err := Probabilities(logits, temperature)
	if err != nil {
		return Answer{Class: -1}, err
	}
	return summarise(p, Specialist{}), nil
}

// Likeliest returns the answer that a distribution over all classes, in order, stands for.
func Likeliest(p []float32) Answer { return summarise(p, Specialist{}) }

// Probabilities returns the distribution over the outputs that logits stand for at that temperature. Logits that are
// no finite numbers are an error.
func Probabilities(logits []float32, temperature float32) ([]float32, error) {
	p := make([]float32, len(logits))
	return p, softmax(p, logits, temperature)
}

// Top returns the likeliest classes of a distribution, likeliest first: as few as hold the given share of it together, and
// at most so many.
func Top(p []float32, most int, share float32) (classes []int) {
	for sum := float32(0); len(classes) < min(most, len(p)) && (len(classes) == 0 || sum < share); {
		best := -1
		for c, v := range p {
			if (best < 0 || v > p[best]) && !slices.Contains(classes, c) {
				best = c
			}
		}
		classes, sum = append(classes, best), sum+p[best]
	}
	return classes
}

// Spread writes to q the distribution of which only the probabilities of some classes are known, p of each: the others have
// equal shares of the rest. Probabilities that are none, or sum to more than one, are an error, as are classes that q lacks.
func Spread(q []float32, classes []int, p []float32) error {
	clear(q)
	rest, others := float32(1), len(q)
	for i, c := range classes {
		if c < 0 || c >= len(q) || i >= len(p) || !(p[i] >= 0) || q[c] > 0 {
			return fmt.Errorf("spread: class %d has no probability of its own", c)
		}
		if q[c] = p[i]; p[i] > 0 {
			others--
		}
		rest -= p[i]
	}
	if rest < -1e-3 {
		return fmt.Errorf("spread: probabilities sum to %v", 1-rest)
	}
	for c := range q {
		if q[c] == 0 {
			q[c] = max(0, rest) / float32(others)
		}
	}
	return nil
}

// softmax writes the distribution of logits ÷ temperature into dst, which has the same length.
func softmax(dst, logits []float32, temperature float32) error {
	if len(logits) == 0 {
		return errors.New("the model returned no output")
	}
	top := logits[0]
	for i, l := range logits {
		if l-l != 0 { // NaN or infinite: x-x is 0 for every other x
			return fmt.Errorf("output %d of the model is %v, which is not a finite number", i, l)
		}
		if l > top {
			top = l
		}
	}
	scale, sum := 1/temperature, float32(0)
	for i, l := range logits {
		e := exp((l - top) * scale)
		dst[i] = e
		sum += e
	}
	if !(scale > 0 && sum >= 1) { // the largest logit alone adds one
		return fmt.Errorf("temperature %v: must be above 0", temperature)
	}
	normalise(dst, sum)
	return nil
}

// normalise scales p, which sums to sum, to sum to one; without any mass it becomes uniform.
func normalise(p []float32, sum float32) {
	if !(sum > 0) {
		for i := range p {
			p[i] = 1 / float32(len(p))
		}
		return
	}
	scale := 1 / sum
	for i := range p {
		p[i] *= scale
	}
}

// negligible probabilities add less than 2e-6 nats to an entropy.
const negligible = 1e-7

// summarise finds the answer in a distribution over the outputs of a net.
func summarise(p []float32, sp Specialist) Answer {
	best, entropy := Largest(p), float32(0)
	for _, v := range p {
		if v > negligible {
			entropy -= v * log(v)
		}
	}
	return Answer{Class: sp.label(best, len(p)), Confidence: p[best], Entropy: max(0, entropy)}
}

// answer is what the hit test looks at in a distribution over the outputs of a specialist. "Other" stands for the sum of all classes but its
// own: of ManyClasses or more that is the largest output nearly always, if only because they are many. There the answer is the best of its own
// classes, with its probability next to that sum, and the threshold alone decides. An entropy does not tell which output is certain, so it is as
// with few classes.
func (p *Policy) answer(raw []float32, sp Specialist) Answer {
	a := summarise(raw, sp)
	if a.Class < 0 && p.ranksOwn() && len(raw) > 1 {
		best := Largest(raw[:len(raw)-1])
		a.Class, a.Confidence = sp.label(best, len(raw)), raw[best]
	}
	return a
}

// ranksOwn reports whether "other" is no answer.
func (p *Policy) ranksOwn() bool { return p.Classes >= ManyClasses && p.Score == Confidence }

// Largest returns the index of the largest value, the first of several.
func Largest(p []float32) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}

// label returns the class of an output of n, -1 for "other".
func (sp Specialist) label(output, n int) int {
	switch {
	case sp.Other && output == n-1:
		return -1
	case sp.Classes == nil:
		return output
	}
	return sp.Classes[output]
}

// exp is e^x for x ≤ 0 within 3e-7 of the true value; below -87 it is 0. It splits x into n·ln 2 + r with
// |r| ≤ ln 2 / 2, sums the Taylor series of e^r and sets n as the exponent: math.Exp in float64 takes most of the
// policy's time at 1,000 classes.
func exp(x float32) float32 {
	if !(x >= -87) {
		return 0
	}
	n := int32(x*math.Log2E - 0.5)
	r := x - float32(n)*ln2High - float32(n)*ln2Low
	series := 1 + r*(1+r*(1./2+r*(1./6+r*(1./24+r*(1./120+r*(1./720+r/5040))))))
	return series * math.Float32frombits(uint32(n+127)<<23)
}

// ln 2 in two parts: the high one has few bits, so that its product with a small integer is exact.
const (
	ln2High = 355. / 512
	ln2Low  = math.Ln2 - ln2High
)

// log is the natural logarithm of a positive, normal x within 3e-7: x is m·2^n with m near 1, and ln m is the series
// of 2·artanh((m-1)/(m+1)).
func log(x float32) float32 {
	bits := math.Float32bits(x) - math.Float32bits(math.Sqrt2/2)
	n := int32(bits) >> 23
	m := math.Float32frombits(bits&(1<<23-1) + math.Float32bits(math.Sqrt2/2))
	s := (m - 1) / (m + 1)
	q := s * s
	return float32(n)*math.Ln2 + 2*s*(1+q*(1./3+q*(1./5+q*(1./7+q/9))))
}
