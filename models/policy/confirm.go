package policy

import (
	"github.com/cachenet/cachenet/schemas"
)

// confirming reports whether the policy confirms classes at all.
func (p *Policy) confirming() bool {
	return p.Kind == Window && p.Teacher != Selector && p.AuditRate > 0
}

// confirms reports whether the full model has to confirm a hit on that class: one that the stream has not shown recently, or
// another one than its last answer. For an unknown object a net answers with some class that it knows, usually one that the
// stream has not shown; if the stream has shown it, the answer still changes when the object does. Confirmations use a credit
// that grows with each frame, so that streams whose classes alternate keep the benefit of the cache. If the full model answers
// later, hits on the class stand while its confirmation is in flight.
func (p *Policy) confirms(s *State, class int) bool {
	t := &s.Trust
	last := t.Class == uint16(class+1)
	inFlight := last && p.Teacher == Feedback
	spent := int(t.Spent) + p.confirmation()
	return p.confirming() && (spent <= mostSpent && !p.holds(s, class) && !inFlight || spent <= turnsSpent && t.Class > 0 && !last)
}

// confirmation is the cost of one confirmation in frames of credit.
func (p *Policy) confirmation() int {
	if p.MaxFalseHits > 0 {
		return limitEvery
	}
	return confirmEvery
}

// holds reports whether the stream has shown a class recently.
func (p *Policy) holds(s *State, class int) bool {
	return s.Window[class] >= heldShare || p.Slow > 0 && s.Slow[class] >= heldShare
}

// confirm lets the full model answer a frame whose class is to be confirmed. If it answers with another class, the small net
// does not know what the stream shows now.
func (p *Policy) confirm(s *State, nets Nets, d Decision, learn bool) (Decision, error) {
	small := d.Class
	d.Answer, d.Hit, d.Answered = Answer{Class: -1}, false, false
	d, err := p.miss(s, nets, d, learn)
	if err != nil || !learn {
		return d, err
	}
	s.HitRate *= hitRateDecay
	if !d.changed {
		s.Trust.Spent += uint8(p.confirmation())
	}
	if d.changed && d.CacheEvent == schemas.CacheNone {
		d.CacheEvent = schemas.TrustChanged
	}
	p.weighCost(s, &d)
	if p.Teacher == Feedback {
		p.keep(s, nets, small, d.step(small)) // as if it were right, until the answer comes
		s.Trust.Class, d.Moved = uint16(small+1), true
		return d, nil
	}
	if d.Class != small && s.Trust.Mode == answering {
		s.Trust.caught(p)
		d.CacheEvent = schemas.TrustBypass
	}
	return d, nil
}
