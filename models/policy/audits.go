package policy

import (
	"math"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/schemas"
)

// audit lets the full model answer a hit too, if the coin selects it.
func (p *Policy) audit(s *State, nets Nets, d Decision, coin Coin, learn bool) Decision {
	d.AuditClass = -1
	if coin == nil || p.AuditRate <= 0 {
		return d
	}
	d.AuditRate = p.auditRate(s, d)
	if learn && s.Trust.Fresh > 0 {
		s.Trust.Fresh--
		d.Moved = true
	}
	if d.Audited = audit.Chosen(coin.Toss(), d.AuditRate); !d.Audited {
		return d
	}
	if p.Teacher == Feedback {
		return d // the answer comes later
	}
	ask, name, temperature := nets.Full, "full model", p.FullTemperature
	if p.Teacher == Selector {
		if ask, name, temperature = nets.Selector, "selector", p.SelectorTemperature; !learn {
			return d
		}
	}
	if d.AuditErr = p.teacher(s, name, ask, temperature); d.AuditErr != nil {
		return d
	}
	if p.Teacher != Selector {
		d.AuditClass = Largest(s.q)
	}
	if learn {
		if p.Teacher == Inline {
			p.keep(s, nets, d.AuditClass, 1)
		}
		d.CacheEvent, d.Moved = p.learn(s, s.q), true
		if p.Teacher == Inline {
			p.verdict(s, &d)
		}
	}
	return d
}

func (p *Policy) auditRate(s *State, d Decision) float32 {
	switch {
	case d.weak && p.MaxFalseHits > 0:
		return min(1, limitRate*p.AuditRate)
	case d.weak || s.Trust.Level > 0:
		return min(1, weakRate*p.AuditRate)
	case s.Trust.Fresh > 0:
		return min(1, freshRate*p.AuditRate)
	case p.MaxFalseHits > 0:
		return min(1, heldRate*p.AuditRate)
	}
	return p.AuditRate
}

// weak reports whether the raw distribution gives the answer little support, or the window contradicts it. The answer's
// posterior is raw · prior · K / evidence.
func (p *Policy) weak(s *State, a Answer, evidence float32) bool {
	if p.Kind == Paper || p.Alpha >= 1 {
		return false
	}
	fast, slow := p.shares(s)
	prior := (fast*s.Window[a.Class]+slow*s.Slow[a.Class])*float32(p.Classes) + 1 - fast - slow
	return evidence < doubtful || a.Confidence*evidence < weakShare*prior
}

// expect raises the audit rate if the window does not contain the class, before it is taught: the stream switched.
func (p *Policy) expect(s *State, q []float32) {
	if p.AuditRate > 0 && s.Window[Largest(q)] < insideShare {
		s.Trust.Fresh = freshFrames
	}
}

// verdict updates the trust with the result of an audit.
func (p *Policy) verdict(s *State, d *Decision) {
	t, wrong := &s.Trust, d.AuditClass != d.Class
	if p.MaxFalseHits > 0 {
		p.wager(t, wrong)
		switch {
		case t.Over >= targetOdds && t.Level >= maxLevel:
			t.Proof = uint16(min(mostProof, 3/p.MaxFalseHits)) // the rule of three
			t.enter(distrust)
			d.CacheEvent = schemas.TrustBypass
			return
		case t.Over >= targetOdds:
			t.Level, t.Over, t.Under = t.Level+1, 1, 1
			d.CacheEvent = schemas.TrustStricter
		case t.Under >= targetOdds && t.Level > 0:
			t.Level, t.Over, t.Under = t.Level-1, 1, 1
			d.CacheEvent = schemas.TrustReturn
		}
	}
	if wrong {
		t.caught(p)
		if d.CacheEvent != schemas.TrustStricter {
			d.CacheEvent = schemas.TrustBypass
		}
	}
}

// wager bets on more and on fewer wrong hits than MaxFalseHits.
func (p *Policy) wager(t *Trust, wrong bool) {
	x, limit := float32(0), p.MaxFalseHits
	if wrong {
		x = 1
	}
	t.Over = max(1, t.Over) * (1 + min(targetBet-1, 0.9/limit)*(x-limit))
	if t.Level == 0 {
		return // there is no way down
	}
	t.Under = max(1/float32(targetOdds), t.Under*(1+0.9*(limit-x)))
}

// caught puts the stream on probation. A single mistake costs few frames: the net has to prove more only if an audit finds it
// wrong again soon, as when unknown objects appear between known ones.
func (t *Trust) caught(p *Policy) {
	switch {
	case t.Frames >= calmFrames:
		t.Proof = 0
	case t.Proof >= proofAfter: // after a drift
	case t.Frames < soonFrames:
		t.Proof = min(max(mostOdd, oddTimes*p.firstProof()), 2*max(p.firstProof(), t.Proof))
	default:
		t.Proof /= 2
	}
	t.Drift = 1
	t.enter(probation)
}

// firstProof is how many right answers in a row end a probation: the more classes there are, the fewer it takes, since a wrong
// net then rarely agrees with the full model by chance.
func (p *Policy) firstProof() uint16 {
	return uint16(max(1, math.Round(math.Log(guessOdds)/math.Log(float64(max(2, p.Classes))))))
}
