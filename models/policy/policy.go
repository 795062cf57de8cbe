// Package policy is the caching policy as plain Go, free of Beam and of ONNX Runtime: the hit test, the
// locality window and its prior, the LRU set of specialists, the selector's choice. The stateful
// transform, the calibration, the simulator and the tests all run this code. It imports only schemas and models/audit.
//
// The protocol of one cached specialist, an entropy test and an encoder that picks the next specialist is
// Fang, Manzuri Shalmani, Zheng, "CacheNet", arXiv 2007.01793. The prior learned from misses is ours.
package policy

import (
	"errors"
	"fmt"

	"github.com/cachenet/cachenet/schemas"
)

// Nets answers about the frame at hand. What it returns is read before the next call and never changed.
type Nets interface {
	Specialist(i int) ([]float32, error) // logits of specialist i, one for each of its classes, then other
	Selector() ([]float32, error)        // K logits
	Full() ([]float32, error)            // K logits
}

// ErrAbsent is what Nets return for a net that is not on this machine at the moment. A specialist that is absent is not
// asked, and an absent selector teaches nothing: the frame is a miss.
var ErrAbsent = errors.New("the net is not here")

// Specialist says what the outputs of a specialist mean.
type Specialist struct {
	Classes     []int   // label of each output; nil: all classes in order
	Other       bool    // one more output, last: none of its classes
	Temperature float32 // > 0
	Ready       bool    // what Nets returns is the distribution itself, not logits: the temperature plays no part
}

// Policy decides for every frame of every stream. It is immutable and may be shared.
type Policy struct {
	Settings
	Classes             int // K
	Specialists         []Specialist
	SelectorTemperature float32
	FullTemperature     float32
	Cost                float32              // time of a specialist over that of the full model; where hits do not pay for it, streams go to the full model; 0: unknown
	Victim              func(held []int) int // place in held of the specialist that leaves for a new one; nil: the last, least recently used
}

// Decision is what the policy made of a frame.
type Decision struct {
	Answer             // of the specialist on a hit, of the full model on an inline miss; else not set (Class -1)
	Hit        bool    // the specialist's answer stands
	Same       bool    // Answer is that of the stream's last answered frame; Specialist gave it, -1: the full model
	Answered   bool    // Answer is set; false: the full-model transform has yet to answer
	Specialist int     // that answered or was asked last
	Asked      bool    // a specialist was asked
	Small      Answer  // where Asked: what the specialist said that came nearest to the threshold; Class -1 is "other"
	Selected   Answer  // what the selector said of a miss, where it was asked: Confidence is above 0 then
	CacheEvent string  // what the frame did to the stream's set
	Moved      bool    // later decisions depend on what this frame changed; false: only HitRate and the offset moved
	Threshold  float32 // of the hit test of this frame

	Audited    bool    // the full model was asked about a hit or a repeated answer, or, where the teacher is no full model, has yet to be
	AuditClass int     // its answer; -1 where there is none
	AuditRate  float32 // probability with which this hit was to be audited; 0 on a miss
	AuditErr   error   // why an audit has no answer; the hit stands

	weak    bool // a hit that deserves a look
	doubted bool // a hit that the full model has to confirm first …
	changed bool // … because of its picture
}

// Decide looks at one frame of a stream and moves the stream's state. Without learn (a frame that is not
// newer than the last) the state only answers. An error of a net, or logits that are no finite numbers, are an
// error: there is no answer, and nothing is learned from the frame. A damaged state is replaced by that of a new stream.
func (p *Policy) Decide(s *State, nets Nets, learn bool) (Decision, error) {
	return p.DecideAudited(s, nets, learn, nil)
}

// DecideAudited is Decide that audits hits by a coin (nil: none). An audited hit keeps its answer; that of the full
// model teaches as on a miss.
func (p *Policy) DecideAudited(s *State, nets Nets, learn bool, coin Coin) (Decision, error) {
	if x := p.Threshold + p.Alpha + p.Decay + p.Trust + p.Share + p.Slow + p.Guard + p.Fuse + p.AuditRate + p.MaxFalseHits + p.Cost; x-x != 0 {
		return Decision{Answer: Answer{Class: -1}, AuditClass: -1}, errors.New("policy: a setting is not a finite number")
	}
	s.start(p)
	if p.Kind == Full {
		return p.never(s, nets)
	}
	d, err := p.decide(s, nets, learn, coin)
	if err == nil && learn && p.confirming() && d.Answered && s.Trust.Class != uint16(d.Class+1) {
		s.Trust.Class, d.Moved = uint16(d.Class+1), true
	}
	return d, err
}

// decide is DecideAudited for the policies that cache, on a state that is in order.
func (p *Policy) decide(s *State, nets Nets, learn bool, coin Coin) (Decision, error) {
	if s.Trust.Mode != answering {
		return p.bypass(s, nets, learn)
	}
	d, err := p.test(s, nets, learn)
	if err != nil {
		return d, err
	}
	if d.doubted {
		return p.confirm(s, nets, d, learn)
	}
	if d.Hit {
		if learn {
			s.HitRate = s.HitRate*hitRateDecay + 1 - hitRateDecay
			p.tick(&s.Trust)
			s.touch(d.Specialist)
			p.unchanged(s, nets, d.Class)
		}
		return p.audit(s, nets, d, coin, learn), nil
	}
	if d, err = p.miss(s, nets, d, learn); err == nil && learn && d.Asked { // an absent net costs nothing, and is not to blame
		s.HitRate *= hitRateDecay
		p.weighCost(s, &d)
	}
	return d, err
}

// Routes reports whether every frame goes to the full-model transform, whatever the nets here would say.
func (p *Policy) Routes() bool { return p.Kind == Full && p.Teacher != Inline }

// never is the decision of the policy that caches nothing.
func (p *Policy) never(s *State, nets Nets) (Decision, error) {
	d := Decision{Answer: Answer{Class: -1}, AuditClass: -1, CacheEvent: schemas.CacheNone, Threshold: p.Threshold}
	if p.Teacher != Inline {
		return d, nil
	}
	if err := p.teacher(s, "full model", nets.Full, p.FullTemperature); err != nil {
		return d, err
	}
	d.Answer, d.Answered = summarise(s.q, Specialist{}), true
	return d, nil
}

// test asks the cached specialists, most recently used first, until one is sure.
func (p *Policy) test(s *State, nets Nets, learn bool) (Decision, error) {
	d := Decision{Answer: Answer{Class: -1}, AuditClass: -1, CacheEvent: schemas.CacheNone, Threshold: p.threshold(s)}
	for try, i := range s.Cached {
		if try >= max(1, p.Tries) {
			break
		}
		d.Specialist = i
		raw, err := p.ask(s, nets, i)
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return d, err
		}
		jumped := try == 0 && p.jump(s, raw, i, learn)
		d.Moved = d.Moved || learn && p.Guard > 0
		alone := p.sure(raw, i)
		evidence := p.weigh(raw, s, i)
		a := p.answer(raw, p.Specialists[i])
		if !d.Asked || p.nearer(a, d.Small) {
			d.Asked, d.Small = true, a
		}
		if a.Class < 0 || jumped || !p.passes(a, d.Threshold) {
			continue
		}
		d.Answer, d.Hit, d.Answered, d.weak = a, true, true, p.AuditRate > 0 && p.weak(s, a, evidence)
		if try > 0 {
			d.CacheEvent, d.Moved = schemas.CacheSwap, d.Moved || learn
		}
		d.doubted = p.confirms(s, a.Class)
		if !d.doubted && p.changed(s, nets, a.Class) {
			d.doubted, d.changed = true, true
		}
		if learn && alone == a.Class && !d.doubted {
			s.teach(s.only(a.Class, p.Classes), p)
			d.Moved = true
		}
		break
	}
	return d, nil
}

// ask returns the raw distribution of specialist i; it is valid until the next call.
func (p *Policy) ask(s *State, nets Nets, i int) ([]float32, error) {
	logits, err := nets.Specialist(i)
	if err != nil {
		return nil, err
	}
	sp, want := p.Specialists[i], p.Classes
	if sp.Classes != nil {
		want = len(sp.Classes)
	}
	if sp.Other {
		want++
	}
	s.raw = resize(s.raw, want)
	if sp.Ready {
		if len(logits) != want || !shares(logits) {
			return nil, fmt.Errorf("specialist %d: not a distribution over %d outputs", i, want)
		}
		copy(s.raw, logits)
		return s.raw, nil
	}
	if err := distribution(s.raw, logits, sp.Temperature); err != nil {
		return nil, fmt.Errorf("specialist %d: %w", i, err)
	}
	return s.raw, nil
}

// teacher asks a net of all classes and leaves its distribution in s.q.
func (p *Policy) teacher(s *State, name string, ask func() ([]float32, error), temperature float32) error {
	logits, err := ask()
	if err != nil {
		return err
	}
	s.q = resize(s.q, p.Classes)
	if err := distribution(s.q, logits, temperature); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// distribution is softmax for logits that a net made: there may be too many of them.
func distribution(dst, logits []float32, temperature float32) error {
	if len(logits) != len(dst) {
		return fmt.Errorf("%d outputs, %d are expected", len(logits), len(dst))
	}
	return softmax(dst, logits, temperature)
}

// only is the distribution that is sure of one of n classes; it is valid until the next decision.
func (s *State) only(class, n int) []float32 {
	s.q = resize(s.q, n)
	clear(s.q)
	s.q[class] = 1
	return s.q
}

func (p *Policy) passes(a Answer, threshold float32) bool {
	if p.Score == Entropy {
		return a.Entropy <= threshold
	}
	return a.Confidence >= threshold
}

// nearer reports whether a comes nearer to passing the hit test than b; "other" never passes it.
func (p *Policy) nearer(a, b Answer) bool {
	switch {
	case (a.Class < 0) != (b.Class < 0):
		return b.Class < 0
	case p.Score == Entropy:
		return a.Entropy < b.Entropy
	}
	return a.Confidence > b.Confidence
}

// miss asks the teacher, moves the window and picks the specialist for the next frame.
func (p *Policy) miss(s *State, nets Nets, d Decision, learn bool) (Decision, error) {
	switch {
	case p.Teacher == Inline:
		if err := p.teacher(s, "full model", nets.Full, p.FullTemperature); err != nil {
			return d, err
		}
		d.Answer, d.Answered = summarise(s.q, Specialist{}), true
	case p.Teacher == Selector && learn:
		switch err := p.teacher(s, "selector", nets.Selector, p.SelectorTemperature); {
		case errors.Is(err, ErrAbsent):
			return d, nil
		case err != nil:
			return d, err
		}
		d.Selected = summarise(s.q, Specialist{})
	}
	if learn && p.Teacher != Feedback {
		p.expect(s, s.q)
		p.keep(s, nets, Largest(s.q), d.step(Largest(s.q)))
		d.CacheEvent, d.Moved = p.learn(s, s.q), true
	}
	return d, nil
}

// Teach moves the window of a stream that has been seen towards the teacher's distribution q over the K
// classes, and its set towards the specialist that covers most of it. It says what that did to the set
// and overwrites q. A q that is no distribution teaches nothing and is an error. Decide does it on a miss, unless the
// teacher is Feedback: then the answer comes later, to the state as it is by then.
func (p *Policy) Teach(s *State, q []float32) (string, error) {
	if len(q) != p.Classes || !shares(q) {
		return schemas.CacheNone, fmt.Errorf("teach: not a distribution over %d classes", p.Classes)
	}
	s.start(p)
	p.expect(s, q)
	return p.learn(s, q), nil
}

func (p *Policy) learn(s *State, q []float32) string {
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

// Likely returns the specialist, of those that may be chosen, whose classes the stream's window holds most of: the one that it
// may need next. It is -1 where that is none.
func (p *Policy) Likely(s *State, may func(i int) bool) int {
	best, most := -1, float32(1e-6)
	if len(s.Window) != p.Classes {
		return best
	}
	for i := range p.Specialists {
		if m := p.mass(s.Window, i); m > most && may(i) {
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
