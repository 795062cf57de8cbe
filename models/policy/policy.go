// Package policy is the caching policy as plain Go, free of Beam and of ONNX Runtime: the hit test, the
// locality window and its prior, the LRU set of specialists, the selector's choice. The stateful
// transform, the calibration, the simulator and the tests all run this code. It imports only schemas.
//
// The protocol of one cached specialist, an entropy test and an encoder that picks the next specialist is
// Fang, Manzuri Shalmani, Zheng, "CacheNet", arXiv 2007.01793. The prior learned from misses is ours.
package policy

import (
	"slices"

	"github.com/cachenet/cachenet/schemas"
)

// Nets answers about the frame at hand; each call runs a net.
type Nets interface {
	Specialist(i int) ([]float32, error) // logits of specialist i, one for each of its classes, then other
	Selector() ([]float32, error)        // K logits
	Full() ([]float32, error)            // K logits
}

// Specialist says what the outputs of a specialist mean.
type Specialist struct {
	Classes     []int   // label of each output; nil: all classes in order
	Other       bool    // one more output, last: none of its classes
	Temperature float32 // > 0
}

// Policy decides for every frame of every stream. It is immutable and may be shared.
type Policy struct {
	Settings
	Classes             int // K
	Specialists         []Specialist
	SelectorTemperature float32
	FullTemperature     float32
	Victim              func(held []int) int // place in held of the specialist that leaves for a new one; nil: the last, least recently used
}

// Decision is what the policy made of a frame.
type Decision struct {
	Answer            // of the specialist on a hit, of the full model on an inline miss; else not set (Class -1)
	Hit        bool   // the specialist's answer stands
	Answered   bool   // Answer is set; false: the full-model transform has yet to answer
	Specialist int    // that answered or was asked last
	CacheEvent string // what the frame did to the stream's set
}

// Decide looks at one frame of a stream and moves the stream's state. Without learn (a frame that is not
// newer than the last) the state only answers. An error of a net is returned as it is; the state may
// then have moved.
func (p *Policy) Decide(s *State, nets Nets, learn bool) (Decision, error) {
	s.start(p)
	if p.Kind == Full {
		return p.never(nets)
	}
	d, err := p.test(s, nets, learn)
	if err != nil {
		return d, err
	}
	if learn {
		s.HitRate *= hitRateDecay
	}
	if d.Hit {
		if learn {
			s.HitRate += 1 - hitRateDecay
			s.touch(d.Specialist)
		}
		return d, nil
	}
	return p.miss(s, nets, d, learn)
}

// never is the decision of the policy that caches nothing.
func (p *Policy) never(nets Nets) (Decision, error) {
	d := Decision{Answer: Answer{Class: -1}, CacheEvent: schemas.CacheNone}
	if p.Teacher != Inline {
		return d, nil
	}
	logits, err := nets.Full()
	if err != nil {
		return d, err
	}
	d.Answer, d.Answered = Read(logits, p.FullTemperature), true
	return d, nil
}

// test asks the cached specialists, most recently used first, until one is sure.
func (p *Policy) test(s *State, nets Nets, learn bool) (Decision, error) {
	d := Decision{CacheEvent: schemas.CacheNone}
	for try, i := range s.Cached {
		if try >= max(1, p.Tries) {
			break
		}
		logits, err := nets.Specialist(i)
		if err != nil {
			return d, err
		}
		raw := softmax(make([]float32, len(logits)), logits, p.Specialists[i].Temperature)
		jumped := try == 0 && p.jump(s, raw, i, learn)
		outputs := p.Specialists[i].outputs(len(raw))
		alone := p.sure(raw, outputs)
		a := summarise(p.weigh(raw, s, i), outputs)
		d.Answer, d.Specialist, d.Answered = a, i, true
		if a.Class >= 0 && !jumped && p.passes(a) {
			d.Hit = true
			if try > 0 {
				d.CacheEvent = schemas.CacheSwap
			}
			if learn && alone == a.Class {
				s.teach(only(a.Class, p.Classes), p)
			}
			return d, nil
		}
	}
	return d, nil
}

// outputs returns the label of each of the first outputs; nil when they are simply 0 … n-1.
func (sp Specialist) outputs(n int) []int {
	if sp.Classes != nil || !sp.Other {
		return sp.Classes
	}
	all := make([]int, n-1)
	for c := range all {
		all[c] = c
	}
	return all
}

func (p *Policy) passes(a Answer) bool {
	if p.Score == Entropy {
		return a.Entropy <= p.Threshold
	}
	return a.Confidence >= p.Threshold
}

// miss asks the teacher, moves the window and picks the specialist for the next frame.
func (p *Policy) miss(s *State, nets Nets, d Decision, learn bool) (Decision, error) {
	d.Answer, d.Answered = Answer{Class: -1}, false
	q := make([]float32, p.Classes)
	switch {
	case p.Teacher == Inline:
		logits, err := nets.Full()
		if err != nil {
			return d, err
		}
		softmax(q, logits, p.FullTemperature)
		d.Answer, d.Answered = summarise(q, nil), true
	case p.Teacher == Selector && learn:
		logits, err := nets.Selector()
		if err != nil {
			return d, err
		}
		softmax(q, logits, p.SelectorTemperature)
	}
	if learn && p.Teacher != Feedback {
		d.CacheEvent = p.Teach(s, q)
	}
	return d, nil
}

// Teach moves the window of a stream that has been seen towards the teacher's distribution q over the K
// classes, and its set towards the specialist that covers most of it. It says what that did to the set
// and uses q up. Decide does it on a miss, unless the teacher is Feedback.
func (p *Policy) Teach(s *State, q []float32) string {
	s.teach(q, p)
	if len(p.Specialists) == 1 {
		return schemas.CacheNone
	}
	if p.Kind != Paper {
		// the window already holds q; adding it again lets a clear answer win over a stale window
		for c, w := range s.Window {
			q[c] = (q[c] + w) / 2
		}
	}
	return s.choose(p.cover(q, s.Active()), p)
}

// cover returns the specialist whose classes hold most of q; the active one wins ties.
func (p *Policy) cover(q []float32, active int) int {
	best, most := active, p.mass(q, active)
	for i := range p.Specialists {
		if m := p.mass(q, i); m > most+1e-6 {
			best, most = i, m
		}
	}
	return best
}

func (p *Policy) mass(q []float32, i int) float32 {
	if p.Specialists[i].Classes == nil {
		return 1
	}
	var m float32
	for _, c := range p.Specialists[i].Classes {
		m += q[c]
	}
	return m
}

// Knows reports whether specialist i has an output for the class.
func (p *Policy) Knows(i, class int) bool {
	return p.Specialists[i].Classes == nil || slices.Contains(p.Specialists[i].Classes, class)
}
