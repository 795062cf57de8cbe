package evaluation

import (
	"fmt"
	"math"
	"slices"

	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// Table holds what every net says of every frame, and what each net costs.
type Table struct {
	classes []string
	labels  []int   // true class of each frame
	tracks  []track // the frames of a track lie together, in order
	nets    []column
	samples []*schemas.Frame // some frames, to measure costs on
	glances []policy.Glance  // at each frame; nil: none were taken
	glance  float64          // µs to take one
	best    []int            // the full model's answer of each frame
	trackOf []int            // index of each frame's track
	cameras []int            // of a recording: the stream that each track is of
	ranked  bool             // there are many classes: columns have a ranking
	places  [][]int32        // ranked: output of each class among each specialist's
}

// track is a sequence in the table.
type track struct{ class, first, frames int }

// column is one net and its answers.
type column struct {
	Net
	outputs int
	logits  []float32 // outputs for each frame; nil once shares have taken their place
	shares  []float32 // the distributions that logits are at the net's temperature; see settle
	settled float32   // that temperature
	us      float64   // of the net for one frame
	view    int       // number of its view: nets with the same one share the decoded frame
	decode  float64   // µs to decode one frame for it
	ranking *ranking  // of many classes
}

// distribution of a frame; it must not be changed.
func (c *column) distribution(frame int) []float32 {
	return c.shares[frame*c.outputs : (frame+1)*c.outputs]
}

// settle computes the distributions of the nets at the temperatures they have now: policies are played thousands of
// times over them, and exponentials would be most of it. Over many classes they take the place of the logits, which
// are most of the memory.
func (t *Table) settle() error {
	t.ranked = len(t.classes) >= policy.ManyClasses
	for i := range t.nets {
		c := &t.nets[i]
		shares := c.shares
		if t.ranked && c.logits != nil {
			shares = c.logits
		} else if len(shares) != len(t.labels)*c.outputs {
			shares = make([]float32, len(t.labels)*c.outputs)
		}
		failed := make([]error, len(t.labels))
		inParallel(len(t.labels), func(f int) {
			var p []float32
			if p, failed[f] = policy.Probabilities(c.row(f), c.Temperature); failed[f] == nil {
				copy(shares[f*c.outputs:], p)
			}
		})
		for f, err := range failed {
			if err != nil {
				return fmt.Errorf("%s, frame %d: %w", c.File, f, err)
			}
		}
		c.shares, c.settled = shares, c.Temperature
		if t.ranked {
			c.logits = nil
		}
	}
	t.rank()
	return nil
}

// row returns the logits of a frame. Where distributions have taken their place they are computed back, up to a constant.
func (c *column) row(frame int) []float32 {
	if c.logits != nil {
		return c.logits[frame*c.outputs : (frame+1)*c.outputs]
	}
	row := slices.Clone(c.distribution(frame))
	for o, p := range row {
		row[o] = c.settled * float32(math.Log(max(float64(p), math.SmallestNonzeroFloat32)))
	}
	return row
}

// Frames returns the number of frames and of sequences.
func (t *Table) Frames() (frames, sequences int) { return len(t.labels), len(t.tracks) }

// finish derives the full model's answers and which track a frame belongs to.
func (t *Table) finish() {
	t.index()
	t.best = make([]int, len(t.labels))
	for f := range t.best {
		t.best[f] = policy.Largest(t.full().row(f))
	}
}

// index derives which track a frame belongs to.
func (t *Table) index() {
	t.trackOf = make([]int, len(t.labels))
	for i, tr := range t.tracks {
		for f := range tr.frames {
			t.trackOf[tr.first+f] = i
		}
	}
}

// agree takes the full model's answer of each frame for its label, where people gave none: what is lost is then agreement
// with the full model, frame by frame. A track keeps the class that the full model found in it as a whole.
func (t *Table) agree() { t.labels = t.best }

func (t *Table) full() *column { return &t.nets[0] }

// role returns the nets of a role, in the order of training.
func (t *Table) role(role string) []*column {
	var all []*column
	for i := range t.nets {
		if t.nets[i].Role == role {
			all = append(all, &t.nets[i])
		}
	}
	return all
}

// selector returns the net that serves as one, nil when there is none.
func (t *Table) selector() *column {
	if all := t.role(roleSelector); len(all) > 0 {
		return all[0]
	}
	return nil
}

// groups returns the classes of each specialist.
func (t *Table) groups() [][]int {
	var g [][]int
	for _, s := range t.role(roleSpecialist) {
		g = append(g, s.Classes)
	}
	return g
}

// target returns the output of the net that is right for a class: that of the class, or other, or -1.
func (c *column) target(class int) int {
	if c.Classes == nil {
		return class
	}
	if o := slices.Index(c.Classes, class); o >= 0 {
		return o
	}
	if c.Other {
		return len(c.Classes)
	}
	return -1
}

// accuracy is the share of frames of the tracks that the net gets right, among those it has an output for.
func (t *Table) accuracy(c *column, tracks []track) float64 {
	right, all := 0, 0
	for _, tr := range tracks {
		for f := tr.first; f < tr.first+tr.frames; f++ {
			target := c.target(t.labels[f])
			if target < 0 {
				continue
			}
			all++
			if policy.Largest(c.row(f)) == target {
				right++
			}
		}
	}
	return float64(right) / float64(max(1, all))
}

// fitTemperature sets the temperature with the smallest negative log-likelihood. For a specialist its
// own classes together weigh as much as all others: it is asked where its own are.
func (t *Table) fitTemperature(c *column, tracks []track) {
	var frames, targets []int
	for _, tr := range tracks {
		for f := tr.first; f < tr.first+tr.frames; f++ {
			if target := c.target(t.labels[f]); target >= 0 {
				frames, targets = append(frames, f), append(targets, target)
			}
		}
	}
	nll := make([]float64, len(frames))
	cost := func(logT float64) float64 {
		var own, other, nOwn, nOther float64
		inParallel(len(frames), func(i int) { nll[i] = negativeLogLikelihood(c.row(frames[i]), targets[i], math.Exp(logT)) })
		for i, target := range targets {
			if c.Other && target == c.outputs-1 {
				other, nOther = other+nll[i], nOther+1
			} else {
				own, nOwn = own+nll[i], nOwn+1
			}
		}
		return own/max(1, nOwn) + other/max(1, nOther)
	}
	c.Temperature = float32(math.Exp(minimise(cost, math.Log(0.05), math.Log(20))))
}

func negativeLogLikelihood(logits []float32, target int, temperature float64) float64 {
	top := float64(slices.Max(logits))
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp((float64(l) - top) / temperature)
	}
	return math.Log(sum) - (float64(logits[target])-top)/temperature
}

// minimise finds the smallest value of a function with one valley, by golden section.
func minimise(f func(float64) float64, lo, hi float64) float64 {
	const ratio = 0.6180339887498949
	a, b := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	fa, fb := f(a), f(b)
	for hi-lo > 0.01 {
		if fa < fb {
			hi, b, fb = b, a, fa
			a = hi - ratio*(hi-lo)
			fa = f(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + ratio*(hi-lo)
			fb = f(b)
		}
	}
	return (lo + hi) / 2
}

// calibrationBins is the number of equal steps of confidence that calibration error is counted in.
const calibrationBins = 15

// calibrationError is the expected difference between confidence and accuracy, 0 … 1.
func (t *Table) calibrationError(c *column, tracks []track) float64 {
	var confidence, right, n [calibrationBins]float64
	all := 0.0
	for _, tr := range tracks {
		for f := tr.first; f < tr.first+tr.frames; f++ {
			target := c.target(t.labels[f])
			if target < 0 {
				continue
			}
			p := c.distribution(f)
			best := policy.Largest(p)
			bin := min(calibrationBins-1, int(p[best]*calibrationBins))
			confidence[bin] += float64(p[best])
			n[bin]++
			all++
			if best == target {
				right[bin]++
			}
		}
	}
	sum := 0.0
	for b := range n {
		sum += math.Abs(confidence[b] - right[b])
	}
	return sum / max(1, all)
}
