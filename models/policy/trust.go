package policy

import (
	"fmt"
	"math"
)

// Coin decides which hits are audited. Toss returns the number of the current frame, uniform over 64 bits, which no answer
// can influence.
type Coin interface{ Toss() uint64 }

// Modes of a stream: which net answers its frames.
const (
	answering = iota // the small net, if it is confident
	probation        // the full model: an audit found a wrong hit, and the small net has to show that it was an exception
	distrust         // the full model: the small net was wrong repeatedly, or too often for MaxFalseHits
	costly           // the full model: hits are too few to pay for the small net
	modes
)

// Trust is what audits have shown about a stream's small net.
type Trust struct {
	Mode   uint8   // which net answers
	Level  uint8   // how many steps stricter than the pack's the threshold is
	Fresh  uint8   // frames left with a higher audit rate, after a class that the window did not expect
	Spent  uint8   // recent cost of confirming new classes; decreases by one with each frame
	Frames uint16  // in this mode, at most 65535
	Right  uint16  // confident answers of the compared small net in a row that the full model agreed with, on probation also those below the threshold; in mode costly: confident answers in this probe
	Proof  uint16  // how many of them the net needs to be used again, if more than at first
	Drift  float32 // evidence that the net no longer knows these pictures, ≥ 1 once there is any
	Over   float32 // evidence that more than MaxFalseHits of the hits are wrong, as Drift
	Under  float32 // evidence that fewer are, at this level
	Class  uint16  // of the last answer, plus one; 0: there is none, or nothing is confirmed
}

// DefaultAuditRate is the share of hits that are audited by default.
const DefaultAuditRate = 0.01

// DriftShare is the share of a net's confident answers that may be wrong before it counts as a drift.
const DriftShare = 0.2

// Rates of audits, as multiples of AuditRate.
const (
	freshRate = 2  // after a switch
	weakRate  = 10 // of a hit that the window decided or contradicts, and of every hit while the threshold is stricter
	limitRate = 50 // of such a hit with MaxFalseHits: most wrong hits are among these
	heldRate  = 5  // of any other hit with MaxFalseHits: only chance finds a wrong answer that equals the one before
)

// The rules of Trust. Evidence is a wager against the small net that starts at 1 and may lose no more than that: the
// e-detector of Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
// 2024. While at most a share ε of the audited hits is wrong, whatever came before, a false alarm at 1/α takes 1/α
// audits at least in the mean.
const (
	freshFrames = 16
	weakShare   = 0.3  // raw probability of the answer below which the window decided it
	heldShare   = 0.05 // of a window, from which a class counts as one that the stream has shown recently
	doubtful    = 0.5  // share of a guess's likelihood below which the window did not expect the frame

	confirmEvery = 32               // frames per confirmation in the long run …
	limitEvery   = 16               // … the same with MaxFalseHits …
	mostSpent    = 6 * confirmEvery // … with so many frames of credit …
	turnsSpent   = mostSpent / 2    // … of which changes to classes that the stream has shown may use half

	driftBet   = 4     // λ of the wager on drift, of which DriftShare is ε: a wrong answer counts 4.2 times, a right one a fifth
	driftAlarm = 20000 // seven wrong answers in a row
	driftAfter = 50    // frames on probation that prove nothing
	guessOdds  = 64    // a probation ends after the number of right answers in a row that a guessing net reaches once in so many times …
	soonFrames = 64    // … and after twice as many if an audit finds it wrong again within so many frames …
	mostOdd    = 8     // … up to so many, or oddTimes the first number
	oddTimes   = 3
	proofAfter = 20   // right answers in a row that end a first drift; each further drift needs twice as many
	mostProof  = 640  //
	calmFrames = 512  // without a wrong audited hit, after which the net needs no more than at first
	targetBet  = 3    // the wager on MaxFalseHits is best when three times as many hits are wrong
	targetOdds = 20   // 1/α of both wagers on MaxFalseHits
	maxLevel   = 4    // steps of the threshold; beyond them the full model answers
	fairFrames = 64   // frames after which hits may be found to be too few
	probeEvery = 256  // in mode costly: frames from one probe to the next …
	probeSize  = 8    // … and of a probe
	shadowCost = 0.05 // share of the full model's time that comparing may cost
)

// threshold returns the pack's threshold, or that of a stricter level: each step halves the distance to certainty.
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

func (t *Trust) enter(mode uint8) { t.Mode, t.Frames, t.Right = mode, 0, 0 }

// Sure reports whether a small net's answer passes the hit test at the threshold of its frame.
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

// sound reports whether t can have been written by this program.
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
