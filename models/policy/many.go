package policy

import (
	"math"

	"github.com/cachenet/cachenet/schemas"
)

// Known is a distribution with what decisions over many classes need of it, computed once: a simulation asks for the same
// one thousands of times.
type Known struct {
	P       []float32 // over the net's outputs
	Top     []int32   // its most probable outputs, the best first: at least one
	Least   float32   // smallest of P
	Entropy float32   // nats
	Place   []int32   // output of each of the K classes, -1: none; nil: outputs are classes
	Mass    []float32 // of a teacher: what it gives to the classes of each specialist together; nil: not known
}

// Ranked is how many outputs a Known of that many outputs ranks at least: a window tells no more classes apart.
func Ranked(outputs int) int { return min(mostApart, outputs) }

// of returns the probability of a class, 0 where the net has no output for it.
func (k *Known) of(class int32) float32 {
	if k.Place == nil {
		return k.P[class]
	}
	if o := k.Place[class]; o >= 0 {
		return k.P[o]
	}
	return 0
}

// KnownNets is [Nets] for a [Many].
type KnownNets interface {
	Specialist(i int) *Known
	Selector() *Known
	Full() *Known
}

// Many decides as [Policy.Decide] and [Policy.Teach] do, up to rounding, in a time that grows with the classes that a
// stream's windows tell apart and not with K, and without audits. Only simulations use it: it needs distributions that are
// ranked before.
type Many struct {
	State // Window and Slow are not used
	p     *Policy
	fast  window
	slow  window
	of    [][]int32 // specialists that know each class
	near  [2]float32
	held  []float32 // scratch: what the window gives to each specialist's classes
}

// NewMany returns one that will decide for policies of these specialists.
func NewMany(p *Policy) *Many {
	m := &Many{of: make([][]int32, p.Classes), held: make([]float32, len(p.Specialists)), near: [2]float32{float32(math.Inf(-1)), float32(math.Inf(1))}}
	for i, s := range p.Specialists {
		for _, c := range s.Classes {
			m.of[c] = append(m.of[c], int32(i))
		}
	}
	return m
}

// Ranks reports whether a [Many] can decide as p does: an entropy that depends on the window takes all classes, and a
// Many neither bypasses nor repeats answers.
func (p *Policy) Ranks() bool {
	return (p.Kind != Window || p.Score == Confidence) && p.AuditRate == 0 && p.Cost == 0 && p.Similar == 0
}

// Restart makes the state that of a stream not seen yet, which p will decide; see [Policy.Ranks].
func (m *Many) Restart(p *Policy) {
	m.p = p
	m.Cached = append(m.Cached[:0], 0)
	m.Credit, m.Candidate, m.Named, m.Outside, m.HitRate = m.p.newCredit(), -1, 0, 0, 0
	m.fast.start(m.p.Classes)
	m.slow.start(m.p.Classes)
}

// Decide is [Policy.Decide] with learn.
func (m *Many) Decide(nets KnownNets) Decision {
	d := Decision{Answer: Answer{Class: -1}, AuditClass: -1, CacheEvent: schemas.CacheNone, Threshold: m.p.Threshold}
	if m.p.Kind == Full {
		d.Answer, d.Answered = best(nets.Full()), true
		return d
	}
	for try, i := range m.Cached {
		if try >= max(1, m.p.Tries) {
			break
		}
		d.Specialist = i
		k := nets.Specialist(i)
		jumped := try == 0 && m.jump(k)
		a := m.weigh(k, i)
		if a.Class < 0 || jumped || !m.passes(a) {
			continue
		}
		d.Answer, d.Hit, d.Answered = a, true, true
		if try > 0 {
			d.CacheEvent = schemas.CacheSwap
		}
		if m.alone(k, i) == a.Class {
			m.TeachClass(a.Class)
		}
		m.touch(i)
		return d
	}
	return m.miss(nets, d)
}

// passes is [Policy.passes] that remembers the scores on both sides of the threshold.
func (m *Many) passes(a Answer) bool {
	score, passed := m.p.strict(a.Confidence, a.Entropy), m.p.passes(a, m.p.Threshold)
	if passed {
		m.near[1] = min(m.near[1], score)
	} else {
		m.near[0] = max(m.near[0], score)
	}
	return passed
}

// Same reports whether every decision so far, of a stream or of several, would have been the same with another threshold.
func (m *Many) Same(threshold float32) bool {
	at := m.p.strict(threshold, threshold)
	return m.near[0] < at && at <= m.near[1]
}

// strict is a value of the score of which the larger ones pass the hit test.
func (p *Policy) strict(confidence, entropy float32) float32 {
	if p.Score == Entropy {
		return -entropy
	}
	return confidence
}

func (m *Many) miss(nets KnownNets, d Decision) Decision {
	switch m.p.Teacher {
	case Inline:
		q := nets.Full()
		d.Answer, d.Answered, d.CacheEvent = best(q), true, m.Teach(q)
	case Selector:
		d.CacheEvent = m.Teach(nets.Selector())
	}
	return d
}

// best is the answer of a net of all classes.
func best(q *Known) Answer {
	return Answer{Class: int(q.Top[0]), Confidence: q.P[q.Top[0]], Entropy: q.Entropy}
}

// alone is [Policy.sure].
func (m *Many) alone(k *Known, i int) int {
	best := k.Top[0]
	if m.p.Trust <= 0 || m.p.Kind == Paper || k.P[best] < m.p.Trust {
		return none
	}
	return m.p.Specialists[i].label(int(best), len(k.P))
}

// none is no class; it differs from that of "other", which no answer has.
const none = -2

// weigh is [Policy.weigh] and the answer under the posterior: classes at the level share one prior.
func (m *Many) weigh(k *Known, i int) Answer {
	sp := m.p.Specialists[i]
	if m.p.Kind == Paper || m.p.Alpha >= 1 {
		a := best(k)
		if a.Class = sp.label(a.Class, len(k.P)); a.Class < 0 && m.p.ranksOwn() {
			return m.p.answer(k.P, sp)
		}
		return a
	}
	fast, slow := m.p.shares(&m.State)
	base := fast*m.fast.level + slow*m.slow.level + (1-fast-slow)/float32(m.p.Classes)
	likeliest, most := -1, float32(0)
	sum, inside := base, float32(0)
	for at, w := range [...]*window{&m.fast, &m.slow} {
		weight := [...]float32{fast, slow}[at]
		if weight == 0 {
			continue
		}
		for _, c := range w.apart {
			if k.Place != nil && k.Place[c] < 0 {
				continue
			}
			p, extra := k.of(c), weight*w.excess[c]
			sum, inside = sum+p*extra, inside+extra
			if v := p * (base + fast*m.fast.excess[c] + slow*m.slow.excess[c]); v > most {
				likeliest, most = int(c), v
			}
		}
	}
	if c, v := m.ahead(k, base, most, sp); v > most {
		likeliest, most = c, v
	}
	if sp.Other {
		known := len(k.P) - 1
		other, prior := k.P[known], base
		if others := m.p.Classes - known; others > 0 {
			prior = max(0, 1-inside-base*float32(known)) / float32(others)
		}
		sum += other * (prior - base)
		if other*prior > most && !m.p.ranksOwn() {
			likeliest, most = -1, other*prior
		}
	}
	return Answer{Class: likeliest, Confidence: most / sum}
}

// ahead finds the likeliest class at the level, and its share before normalisation; -1 and 0 where none has more than least.
func (m *Many) ahead(k *Known, base, least float32, sp Specialist) (class int, most float32) {
	level := func(o int32) int {
		c := sp.label(int(o), len(k.P))
		if c < 0 || m.fast.excess[c] != 0 || m.slow.excess[c] != 0 {
			return -1
		}
		return c
	}
	for _, o := range k.Top {
		if k.P[o]*base <= least {
			return -1, 0
		}
		if c := level(o); c >= 0 {
			return c, k.P[o] * base
		}
	}
	class, most = -1, least
	for o, v := range k.P {
		if v*base > most {
			if c := level(int32(o)); c >= 0 {
				class, most = c, v*base
			}
		}
	}
	return class, most
}

// jump is [Policy.jump].
func (m *Many) jump(k *Known) bool {
	if m.p.Guard <= 0 {
		return false
	}
	outside := float32(1)
	for _, c := range m.fast.apart {
		if m.fast.level+m.fast.excess[c] >= insideShare {
			outside -= k.of(c)
		}
	}
	outside = max(0, outside)
	jumped := outside > m.Outside+m.p.Guard
	m.Outside = outsideDecay*m.Outside + (1-outsideDecay)*outside
	return jumped
}

// Teach is [Policy.Teach]; q has an output for every class.
func (m *Many) Teach(q *Known) string {
	m.judge(m.fast.expects(q), m.slow.expects(q))
	m.fast.move(q, m.p.Decay)
	if decay := m.p.slowDecay(); decay > 0 {
		m.slow.move(q, decay)
	}
	if len(m.p.Specialists) == 1 {
		return schemas.CacheNone
	}
	return m.choose(m.cover(q, m.Active()), m.p)
}

// TeachClass teaches the windows that the class is certain, as a hit does.
func (m *Many) TeachClass(class int) {
	c := int32(class)
	m.judge(m.fast.level+m.fast.excess[c], m.slow.level+m.slow.excess[c])
	m.fast.moveTo(c, m.p.Decay)
	if decay := m.p.slowDecay(); decay > 0 {
		m.slow.moveTo(c, decay)
	}
}

func (m *Many) judge(fast, slow float32) {
	if m.p.Share > 0 {
		m.earn(fast, slow, m.p)
	}
}

// cover is [Policy.cover]; the windows count in addition to q, except in the paper's policy.
func (m *Many) cover(q *Known, active int) int {
	clear(m.held)
	if m.p.Kind != Paper {
		for _, c := range m.fast.apart {
			for _, i := range m.of[c] {
				m.held[i] += m.fast.excess[c]
			}
		}
	}
	best, most := active, m.mass(q, active)
	for i := range m.p.Specialists {
		if v := m.mass(q, i); v > most+1e-6 {
			best, most = i, v
		}
	}
	return best
}

// mass is what q, or half of q and half of the window, gives to the classes of a specialist; held is that of the classes apart.
func (m *Many) mass(q *Known, i int) float32 {
	classes := m.p.Specialists[i].Classes
	if classes == nil {
		return 1
	}
	var ofQ float32
	if q.Mass != nil {
		ofQ = q.Mass[i]
	} else {
		for _, c := range classes {
			ofQ += q.P[c]
		}
	}
	if m.p.Kind == Paper {
		return ofQ
	}
	return (ofQ + m.held[i] + float32(len(classes))*m.fast.level) / 2
}
