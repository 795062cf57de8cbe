package policy

import (
	"errors"
	"fmt"
	"math"
)

// Kinds of policy.
const (
	Window = "window" // locality window as a class prior in the hit test
	Paper  = "paper"  // the protocol of arXiv 2007.01793: predictive entropy, no prior
	Full   = "full"   // no caching: the full model answers every frame
)

// Scores a hit test can compare with its threshold.
const (
	Confidence = "confidence" // largest probability; a hit is ≥ threshold
	Entropy    = "entropy"    // of the distribution, nats; a hit is ≤ threshold
)

// Teachers: the net whose answer on a miss moves the window and picks the next specialist.
const (
	Selector = "selector" // runs in the stateful transform; misses go to a transform of their own
	Inline   = "full"     // the full model, called in the stateful transform: it answers the miss and updates the window at once
	Feedback = "feedback" // none: answers come back from elsewhere, through [Policy.Teach]; not for packs
)

// Settings are the knobs of the policy, as a pack's manifest keeps them.
type Settings struct {
	Kind      string  `json:"kind"`                // window, paper or full
	Score     string  `json:"score"`               // confidence or entropy
	Threshold float32 `json:"threshold"`           // of the score
	Teacher   string  `json:"teacher"`             // selector or full
	Alpha     float32 `json:"alpha"`               // 0 … 1: weight of the uniform part of the prior; 1 turns the prior off
	Decay     float32 `json:"decay"`               // 0 … <1: share of the window that one teaching leaves in place
	Capacity  int     `json:"capacity"`            // C ≥ 1: specialists a stream holds
	Tries     int     `json:"tries,omitempty"`     // cached specialists asked before a miss, most recent first; 0 means 1
	Admission int     `json:"admission,omitempty"` // misses in a row that must name a specialist before it is loaded; 0 means 1
	Trust     float32 `json:"trust,omitempty"`     // a hit teaches the window too when the net alone, without the prior, has at least this confidence, 0 … 1; 0: never
	Share     float32 `json:"share,omitempty"`     // the prior is weighted by its recent predictive accuracy; share of that weight reset at each teaching, 0 … 1; 0: always full weight
	Slow      float32 `json:"slow,omitempty"`      // with share: a second window that forgets more slowly, what one teaching leaves of it in place, 0 … <1; 0: none
	Guard     float32 `json:"guard,omitempty"`     // rare-class guard: miss when the raw mass outside the window exceeds its running mean by this; 0 is off
	Fuse      float32 `json:"fuse,omitempty"`      // on a device: weight of what the stream has shown ([Policy.FusePrior]) in the answer to a miss, beside the full model's, 0 … 1; 0: the full model's answer stands

	AuditRate    float32 `json:"audit_rate,omitempty"`     // share of the hits that the full model is asked about too, 0 … 1; more after a switch and where a hit is weak
	MaxFalseHits float32 `json:"max_false_hits,omitempty"` // share of the hits that may be wrong, 0 … <0.5: streams of which audits show more get a stricter threshold; 0: not held

	Similar   int   `json:"similar,omitempty"`    // frames in a row that may take the answer of a frame nearly equal to them, without being shown to a net; 0: none
	SimilarMs int64 `json:"similar_ms,omitempty"` // with similar: how long after that frame they may, ms of record time
}

// Validate reports the first setting that is wrong for a pack of that many specialists.
func (s Settings) Validate(specialists int, hasSelector bool) error {
	switch {
	case s.Kind != Window && s.Kind != Paper && s.Kind != Full:
		return fmt.Errorf("kind %q: must be window, paper or full", s.Kind)
	case s.Score != Confidence && s.Score != Entropy:
		return fmt.Errorf("score %q: must be confidence or entropy", s.Score)
	case s.Teacher != Selector && s.Teacher != Inline:
		return fmt.Errorf("teacher %q: must be selector or full", s.Teacher)
	case s.Teacher == Selector && !hasSelector && s.Kind != Full:
		return errors.New("teacher selector: the pack has no selector")
	case !(s.Threshold >= 0 && s.Threshold <= math.MaxFloat32):
		return fmt.Errorf("threshold %v: must be a number of at least 0", s.Threshold)
	case !(s.Alpha >= 0 && s.Alpha <= 1):
		return fmt.Errorf("alpha %v: must be from 0 to 1", s.Alpha)
	case !(s.Decay >= 0 && s.Decay < 1):
		return fmt.Errorf("decay %v: must be at least 0 and below 1", s.Decay)
	case s.Capacity < 1 || s.Tries < 0 || s.Admission < 0 || !(s.Guard >= 0 && s.Guard <= 1):
		return errors.New("capacity must be at least 1, guard must be from 0 to 1; tries and admission must not be negative")
	case !(s.Trust >= 0 && s.Trust <= 1):
		return fmt.Errorf("trust %v: must be from 0 to 1", s.Trust)
	case !(s.Share >= 0 && s.Share <= 1):
		return fmt.Errorf("share %v: must be from 0 to 1", s.Share)
	case !(s.Fuse >= 0 && s.Fuse <= 1):
		return fmt.Errorf("fuse %v: must be from 0 to 1", s.Fuse)
	case !(s.Slow >= 0 && s.Slow < 1):
		return fmt.Errorf("slow %v: must be at least 0 and below 1", s.Slow)
	case s.Tries > s.Capacity:
		return fmt.Errorf("tries %d: a stream caches only %d specialists", s.Tries, s.Capacity)
	case specialists < 1 && s.Kind != Full:
		return errors.New("no specialist to cache")
	}
	if err := s.validateSimilar(); err != nil {
		return err
	}
	return s.validateTrust()
}
