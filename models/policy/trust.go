package policy

import (
	"fmt"
	"math"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/schemas"
)

// Coin says which hits are audited. Toss returns a number, uniform over 64 bits, that belongs to the frame at hand and
// that no answer can influence.
type Coin interface{ Toss() uint64 }

// Who answers the frames of a stream.
const (
	answering = iota // the small net, where it is sure
	probation        // the full model: an audit caught a wrong hit, the small net has to show that it was an odd one
	distrust         // the full model: the small net was wrong repeatedly, or too often for MaxFalseHits
	costly           // the full model: hits are too few to pay for asking the small net
	modes
)

// Trust is what a stream's audits have shown.
type Trust struct {
	Mode   uint8   // who answers
	Level  uint8   // how many steps stricter than the pack's the threshold is
	Fresh  uint8   // frames left in which more hits are audited, after a class that the window did not expect
	Spent  uint8   // recent cost of confirming new classes; decreases by one with each frame
	Frames uint16  // in this mode, at most 65535
	Right  uint16  // answers of the small net, which was asked for comparison only, that the full model agreed with in a row, on probation also those it was not sure of; in mode costly: sure answers in this probe
	Proof  uint16  // how many of them the net needs to come back, if more than at first
	Drift  float32 // evidence that the net knows these pictures no more, ≥ 1 once there is any
	Over   float32 // evidence that more than MaxFalseHits of the hits are wrong, as Drift
	Under  float32 // evidence that fewer are, at this level
	Class  uint16  // of the last answer, plus one; 0: there is none, or nothing is confirmed
}

// DefaultAuditRate is the share of the hits that are audited where a user names none.
const DefaultAuditRate = 0.01

// DriftShare is how many of a net's sure answers may be wrong before it is said not to know the pictures.
const DriftShare = 0.2

// Rates of audits, as multiples of AuditRate.
const (
	freshRate = 2  // after a switch
	weakRate  = 10 // of a hit that the window carried or contradicts, and of every hit while the threshold is stricter
	limitRate = 50 // of such a hit where MaxFalseHits is to be held: wrong hits are among these first
	heldRate  = 5  // of any other hit there: a wrong answer like the one before is found by chance only
)

// The rules of Trust. Evidence is a wager against the small net that starts at 1 and may lose no more than that: the
// e-detector of Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
// 2024. While at most a share ε of the audited hits is wrong, whatever came before, a false alarm at 1/α takes 1/α
// audits at least in the mean.
const (
	freshFrames = 16
	weakShare   = 0.3  // raw probability of the answer below which the window carried it
	heldShare   = 0.05 // of a window, from which a class counts as one that the stream has shown recently
	doubtful    = 0.5  // share of a guess's likelihood below which the window did not expect the frame

	confirmEvery = 32               // frames to which one class is confirmed in the long run …
	limitEvery   = 16               // … and where MaxFalseHits is to be held …
	mostSpent    = 6 * confirmEvery // … beyond so many that were saved up …
	turnsSpent   = mostSpent / 2    // … of which turns to classes that the stream has shown leave half to new ones

	driftBet   = 4     // λ of the wager on drift, of which DriftShare is ε: a wrong answer counts 4.2 times, a right one a fifth
	driftAlarm = 20000 // seven wrong answers in a row
	driftAfter = 50    // frames on probation that prove nothing
	guessOdds  = 64    // the right answers in a row that end a probation are as many as a net that guesses gives once in so often …
	soonFrames = 64    // … and twice as many where the net was caught again within so many frames …
	mostOdd    = 8     // … up to so many, or oddTimes as many as at first
	oddTimes   = 3
	proofAfter = 20   // right answers in a row that end a first drift; each further one takes twice as many
	mostProof  = 640  //
	calmFrames = 512  // without a caught hit, after which the net has to prove no more than at first
	targetBet  = 3    // the wager on MaxFalseHits is best when three times as many hits are wrong
	targetOdds = 20   // 1/α of both wagers on MaxFalseHits
	maxLevel   = 4    // steps of the threshold; beyond them the full model answers
	fairFrames = 64   // frames after which hits may be found to be too few
	probeEvery = 256  // in mode costly: frames from one probe to the next …
	probeSize  = 8    // … and of a probe
	shadowCost = 0.05 // share of the full model's time that comparing may cost
)

// confirming reports whether streams have classes confirmed at all.
func (p *Policy) confirming() bool {
	return p.Kind == Window && p.Teacher != Selector && p.AuditRate > 0
}

// confirms reports whether the full model is asked first about a hit on that class: one that the stream has not shown
// recently, or another one than it answered last. A net that meets what it does not know answers with some class that
// it knows, most often one that the stream has not shown; where it is one that the stream has shown, the answer still changes
// when the picture does. Each confirmation is paid for from what the frames before have saved, so that streams that show
// many classes in turns do not lose what the cache saves. Where the full model answers later, hits on the class stand while
// its confirmation is in flight.
func (p *Policy) confirms(s *State, class int) bool {
	t := &s.Trust
	last := t.Class == uint16(class+1)
	inFlight := last && p.Teacher == Feedback
	spent := int(t.Spent) + p.confirmation()
	return p.confirming() && (spent <= mostSpent && !p.holds(s, class) && !inFlight || spent <= turnsSpent && t.Class > 0 && !last)
}

// confirmation is the price of one, in frames.
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

// confirm lets the full model answer a frame that the small net is sure of, but whose class is to be confirmed. Where it finds another class, the small net does not know what the stream came to show.
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

// threshold is the pack's, or that of a stricter level: each step halves what is left to certainty.
func (p *Policy) threshold(s *State) float32 {
	if s.Trust.Level == 0 {
		return p.Threshold
	}
	step := float32(uint(1) << s.Trust.Level)
	if p.Score == Entropy {
		return p.Threshold / step
	}
	return 1 - (1-p.Threshold)/step
}

// audit asks the full model about a hit when the coin says so.
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

// weak reports whether the raw distribution alone hardly speaks for the answer, or the window against it. The answer's
// posterior is raw · prior · K / evidence.
func (p *Policy) weak(s *State, a Answer, evidence float32) bool {
	if p.Kind == Paper || p.Alpha >= 1 {
		return false
	}
	fast, slow := p.shares(s)
	prior := (fast*s.Window[a.Class]+slow*s.Slow[a.Class])*float32(p.Classes) + 1 - fast - slow
	return evidence < doubtful || a.Confidence*evidence < weakShare*prior
}

// expect notes a class that the window does not hold, before it is taught: the stream switched.
func (p *Policy) expect(s *State, q []float32) {
	if p.AuditRate > 0 && s.Window[Largest(q)] < insideShare {
		s.Trust.Fresh = freshFrames
	}
}

// verdict takes what an audit of a hit found into account.
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

// caught puts the stream on probation. An odd mistake costs few frames: what the net has to prove grows only where it is caught
// again soon, as one is that meets what it does not know between things that it knows.
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

// firstProof is how many right answers in a row end a probation: few where there are many classes, since the more there are the less
// a wrong net agrees with the full model by chance.
func (p *Policy) firstProof() uint16 {
	return uint16(max(1, math.Round(math.Log(guessOdds)/math.Log(float64(max(2, p.Classes))))))
}

func (t *Trust) enter(mode uint8) { t.Mode, t.Frames, t.Right = mode, 0, 0 }

// bypass lets the full model answer, and compares what the small net would have said now and then.
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

// Earlier is a frame that was decided before, and that the full model has answered since.
type Earlier struct {
	Outcome string // schemas.Hit or Same, audited, or Miss
	Sure    int    // class that the small net was sure of; -1: of none, or it was not asked
	Unsure  int    // class, plus one, that it said without being sure; 0: none
}

// Heard is [Policy.Teach] where the teacher is Feedback: the stream also learns what the answer says of the small net, as from
// an audit, a confirmation or a comparison whose answer comes at once.
func (p *Policy) Heard(s *State, q []float32, e Earlier) (event string, err error) {
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

// Sure reports whether a small net's answer passes the hit test at a threshold, that of its frame.
func (p *Policy) Sure(a Answer, threshold float32) bool {
	return a.Class >= 0 && p.passes(a, threshold)
}

func (p *Policy) tick(t *Trust) {
	if t.Spent > 0 {
		t.Spent--
	}
	if t.Frames < math.MaxUint16 && (p.Cost > 0 || p.AuditRate > 0) {
		t.Frames++
	}
}

// compares reports whether the small net is asked about the next frame of a bypassed stream.
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

// compare takes the small net's answer about a bypassed frame into account.
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
	if right || unsure { // a net that hesitates but is right knows the pictures; the threshold stands against the hesitation
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

// weighCost bypasses the small net where its hits save less than asking it costs.
func (p *Policy) weighCost(s *State, d *Decision) {
	p.tick(&s.Trust)
	if p.Cost > 0 && s.Trust.Frames >= fairFrames && s.HitRate < p.Cost {
		s.Trust.enter(costly)
		d.CacheEvent, d.Moved = schemas.TrustBypass, true
	}
}

// sound reports whether the trust is one that this program can have written.
func (t *Trust) sound() bool {
	for _, v := range [...]float32{t.Drift, t.Over, t.Under} {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return false
		}
	}
	return t.Mode < modes && t.Level <= maxLevel
}

// validateTrust reports the first setting about audits that is wrong.
func (s Settings) validateTrust() error {
	switch {
	case !(s.AuditRate >= 0 && s.AuditRate <= 1):
		return fmt.Errorf("audit rate %v: must be from 0 to 1", s.AuditRate)
	case !(s.MaxFalseHits >= 0 && s.MaxFalseHits < 0.5):
		return fmt.Errorf("max false hits %v: must be at least 0 and below 0.5", s.MaxFalseHits)
	}
	return nil
}
