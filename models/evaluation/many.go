package evaluation

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/cachenet/cachenet/models/policy"
)

// ranking is what policies over many classes ask about each distribution of a net again and again.
type ranking struct {
	top     []int32   // the most probable outputs of each frame, the most probable first
	each    int       // of a frame
	least   []float32 // of each frame
	entropy []float32 // of each frame, nats
	place   []int32   // output of each class; nil: outputs are classes

	mass map[string][]float32 // of a net of all classes: for each frame what it gives to the classes of each specialist of a role
}

// rank computes the rankings of all nets, where there are many classes.
func (t *Table) rank() {
	if !t.ranked {
		return
	}
	for i := range t.nets {
		c := &t.nets[i]
		c.ranking = newRanking(c, len(t.labels), len(t.classes))
	}
	for _, c := range []*column{t.full(), t.selector()} {
		if c == nil {
			continue
		}
		c.ranking.mass = map[string][]float32{}
		for _, role := range []string{roleSpecialist, roleContext} {
			if of := t.role(role); len(of) > 0 {
				c.ranking.mass[role] = c.masses(of, len(t.labels))
			}
		}
	}
	t.places = nil
	for _, g := range t.groups() {
		t.places = append(t.places, places(g, len(t.classes)))
	}
}

// masses returns for each frame what the distribution gives to the classes of each specialist.
func (c *column) masses(specialists []*column, frames int) []float32 {
	n := len(specialists)
	all := make([]float32, n*frames)
	inParallel(frames, func(f int) {
		p := c.distribution(f)
		for i, s := range specialists {
			for _, class := range s.Classes {
				all[f*n+i] += p[class]
			}
		}
	})
	return all
}

func newRanking(c *column, frames, classes int) *ranking {
	each := policy.Ranked(c.outputs)
	r := &ranking{top: make([]int32, frames*each), each: each, least: make([]float32, frames), entropy: make([]float32, frames)}
	if c.Classes != nil {
		r.place = places(c.Classes, classes)
	}
	inParallel(frames, func(f int) {
		p := c.distribution(f)
		rankInto(r.top[f*each:(f+1)*each], p)
		r.least[f] = slices.Min(p)
		sum := 0.0
		for _, v := range p {
			if v > 1e-7 {
				sum -= float64(v) * math.Log(float64(v))
			}
		}
		r.entropy[f] = float32(sum)
	})
	return r
}

// rankInto fills top with the indices of the largest values, the largest first, and of equal ones the first.
func rankInto(top []int32, values []float32) {
	n := 0
	for i, v := range values {
		if n == len(top) && v <= values[top[n-1]] {
			continue
		}
		at, _ := slices.BinarySearchFunc(top[:n], v, func(o int32, v float32) int {
			if values[o] == v {
				return -1
			}
			return cmp.Compare(v, values[o])
		})
		if n < len(top) {
			n++
		}
		copy(top[at+1:n], top[at:n-1])
		top[at] = int32(i)
	}
}

// places returns the output of each class, -1 where there is none.
func places(classes []int, all int) []int32 {
	p := make([]int32, all)
	for c := range p {
		p[c] = -1
	}
	for o, c := range classes {
		p[c] = int32(o)
	}
	return p
}

// known returns what the net says of a frame.
func (c *column) known(frame int) policy.Known {
	r := c.ranking
	return policy.Known{P: c.distribution(frame), Top: r.top[frame*r.each : (frame+1)*r.each], Least: r.least[frame], Entropy: r.entropy[frame], Place: r.place}
}

// ranked is lookup as a [policy.KnownNets].
type ranked struct {
	*lookup
	places [][]int32 // masked: where the classes of each group are
	role   string    // of the specialists
	best   [1]int32
	last   [3]policy.Known // what the specialist, the selector and the full model said last
}

func (r *ranked) Specialist(i int) *policy.Known {
	l, k := r.lookup, &r.last[0]
	c := l.specialists[i]
	if l.groups == nil {
		l.charge(c)
		*k = c.known(l.frame)
		return k
	}
	if !l.small {
		l.charge(c)
		l.small = true
	}
	l.scratch = masked(l.scratch[:0], c.distribution(l.frame), l.groups[i])
	r.best[0] = int32(policy.Largest(l.scratch))
	*k = policy.Known{P: l.scratch, Top: r.best[:], Place: r.places[i]}
	return k
}

func (r *ranked) Selector() *policy.Known { return r.ask(1, r.selector) }

func (r *ranked) Full() *policy.Known { return r.ask(2, r.full) }

func (r *ranked) ask(slot int, c *column) *policy.Known {
	r.charge(c)
	k := &r.last[slot]
	*k = c.known(r.frame)
	if mass := c.ranking.mass[r.role]; mass != nil {
		n := len(r.specialists)
		k.Mass = mass[r.frame*n : (r.frame+1)*n]
	}
	return k
}

// inParallel calls f for 0 … n-1 on all processors.
func inParallel(n int, f func(i int)) {
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := n * w / workers; i < n*(w+1)/workers; i++ {
				f(i)
			}
		})
	}
	all.Wait()
}
