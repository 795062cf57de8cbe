package policy

import (
	"fmt"
	"math"

	"github.com/cachenet/cachenet/schemas"
)

// bypass lets the full model answer, and now and then compares the small net's answer.
func (p *Policy) bypass(s *State, nets Nets, learn bool) (Decision, error) {
	d := Decision{Answer: Answer{Class: -1}, AuditClass: -1, CacheEvent: schemas.CacheNone, Specialist: s.Active(), Threshold: p.threshold(s)}
	shadow, compared := Decision{}, learn && p.compares(&s.Trust)
	if compared {
		var err error
		if shadow, err = p.test(s, nets, false); err != nil {
			return d, err
		}
		compared = shadow.Asked // else it is absent
	}
	if p.Teacher == Selector && !compared {
		d.Moved = learn // no selector either: the frame just goes on
	} else {
		var err error
		if d, err = p.miss(s, nets, d, learn); err != nil {
			return d, err
		}
	}
	if !learn {
		return d, nil
	}
	s.HitRate *= hitRateDecay
	d.Moved = true
	d.Asked, d.Small = shadow.Asked, shadow.Small
	frames := s.Trust.Frames
	p.tick(&s.Trust)
	switch {
	case p.Teacher == Feedback && s.Trust.Mode != costly:
		s.Trust.Frames = frames // it counts when the answer comes: an outage proves nothing
	case compared:
		p.compare(s, &d, shadow)
	}
	return d, nil
}

// Earlier is a frame that was decided before and that the full model has answered since.
type Earlier struct {
	Outcome string // schemas.Hit or Same, audited, or Miss
	Sure    int    // class of the small net's answer if it passed the hit test; -1: it did not, or no net ran
	Unsure  int    // class, plus one, of an answer that did not pass; 0: none
}

// TeachLate is [Policy.Teach] for the teacher Feedback: it also updates the stream's trust in the small net, as an audit, a
// confirmation or a comparison does whose answer comes at once.
func (p *Policy) TeachLate(s *State, q []float32, e Earlier) (event string, err error) {
	if len(q) != p.Classes || !shares(q) {
		return schemas.CacheNone, fmt.Errorf("teach: not a distribution over %d classes", p.Classes)
	}
	s.start(p)
	full := Largest(q)
	if e.Outcome == schemas.Miss {
		p.expect(s, q)
	}
	d := Decision{Answer: Answer{Class: full}, AuditClass: full, CacheEvent: p.learn(s, q)}
	if p.AuditRate <= 0 || e.Outcome == schemas.Same {
		return d.CacheEvent, nil
	}
	t := &s.Trust
	switch {
	case t.Mode != answering:
		if t.Frames < math.MaxUint16 {
			t.Frames++
		}
		p.compare(s, &d, Decision{Answer: Answer{Class: e.Sure}, Hit: e.Sure >= 0, Asked: e.Unsure > 0, Small: Answer{Class: e.Unsure - 1}})
	case e.Outcome == schemas.Hit:
		d.Class = e.Sure
		p.verdict(s, &d)
	case p.confirming() && e.Sure >= 0 && e.Sure != full:
		t.caught(p)
		d.CacheEvent = schemas.TrustBypass
	}
	if p.confirming() && e.Outcome == schemas.Miss {
		t.Class = uint16(full + 1)
	}
	return d.CacheEvent, nil
}

// compares reports whether the small net runs on the next frame of a bypassed stream, for comparison.
func (p *Policy) compares(t *Trust) bool {
	switch t.Mode {
	case costly:
		return t.Frames%probeEvery >= probeEvery-probeSize
	case distrust:
		every := uint16(max(1, min(100, math.Ceil(float64(p.Cost)/shadowCost))))
		return t.Frames%every == 0
	}
	return true
}

// compare updates the trust with the small net's answer to a bypassed frame.
func (p *Policy) compare(s *State, d *Decision, shadow Decision) {
	t := &s.Trust
	if t.Mode == costly {
		if shadow.Hit {
			t.Right++
		}
		if t.Frames%probeEvery == 0 {
			p.probed(s, d)
		}
		return
	}
	right := shadow.Hit && shadow.Class == d.Class
	unsure := t.Mode == probation && !shadow.Hit && shadow.Asked && shadow.Small.Class == d.Class
	if right || unsure { // a right answer below the threshold still shows that the net knows the pictures
		t.Right++
	}
	if right {
		t.Drift = max(1, t.Drift*(1-driftBet*DriftShare))
	} else if shadow.Hit {
		t.Right = 0
		t.Drift = min(2*driftAlarm, t.Drift*(1+driftBet*(1-DriftShare)))
	}
	switch {
	case t.Right >= max(p.firstProof(), t.Proof):
		if t.Mode == distrust {
			t.Over, t.Under = 1, 1
		}
		t.enter(answering)
		d.CacheEvent = schemas.TrustReturn
	case t.Mode == probation && (t.Drift >= driftAlarm || t.Frames >= driftAfter):
		t.Proof = min(mostProof, max(proofAfter, 2*t.Proof))
		t.enter(distrust)
		d.CacheEvent = schemas.TrustDrift
	}
}

// probed ends a probe of mode costly.
func (p *Policy) probed(s *State, d *Decision) {
	rate := float32(s.Trust.Right) / probeSize
	s.Trust.Right = 0
	if rate >= max(2./probeSize, p.Cost+1./probeSize) {
		s.Trust.enter(answering)
		s.HitRate, d.CacheEvent = rate, schemas.TrustReturn
	}
}

// weighCost bypasses the small net if its hits save less than it costs.
func (p *Policy) weighCost(s *State, d *Decision) {
	p.tick(&s.Trust)
	if p.Cost > 0 && s.Trust.Frames >= fairFrames && s.HitRate < p.Cost {
		s.Trust.enter(costly)
		d.CacheEvent, d.Moved = schemas.TrustBypass, true
	}
}
