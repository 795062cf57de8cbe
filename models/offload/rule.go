package offload

import (
	"fmt"
	"time"
)

// Action is the net that answers a frame.
type Action uint8

// Actions.
const (
	Alone Action = iota // the small net's answer stands, confident or not
	Ask                 // the server's full model
	Here                // a full model on the device
)

// String returns the action's name in tables.
func (a Action) String() string {
	switch a {
	case Alone:
		return "alone"
	case Ask:
		return "ask"
	case Here:
		return "here"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// Choice is a controller's choice for a frame.
type Choice struct {
	Action      Action
	Form        int           // with Ask: index of [Form]
	Provisional bool          // the small net's answer is published at once, and the final one when it is settled
	Patience    time.Duration // with Ask, on a device with a full model: after this time without an answer it runs too, and the first answer counts; 0: no limit
}

// Form is an upload form of a frame.
type Form struct {
	Bytes  int           // of a typical frame
	Encode time.Duration // the device's time to encode it
}

// Costs are a device's measurements of itself.
type Costs struct {
	Small  time.Duration // of a small net's answer, with decoding
	Full   time.Duration // of the full model on the device, without decoding; 0: it has none
	Decode time.Duration // for a net, part of Small
	Forms  []Form        // the first is the frame as it is
}

// patience returns how long to wait for an answer with that expected time before the full model on the device runs too. Until
// the server has answered once, its own time is not known.
func (c Costs) patience(expected time.Duration, m *Meter) time.Duration {
	switch {
	case c.Full == 0:
		return 0
	case m.replied == 0:
		return c.Full
	}
	return max(1, min(time.Duration(patience*float64(expected)), c.Full))
}

// Controller chooses for one stream. Times count from any moment, the same for all calls.
type Controller interface {
	// First chooses before the small net runs. Alone means: run the small net, then call Miss if it is not confident.
	First(at time.Duration, hitRate float64, busy time.Duration) Choice
	// Miss chooses for a frame on which the small net is not confident; busy is how long the device's processor is occupied.
	Miss(at, busy time.Duration) Choice
	// Settled reports the time from a choice to its answer. first: the choice was First's.
	Settled(at time.Duration, c Choice, first bool, took time.Duration)
}

// Limits of both controllers.
type Limits struct {
	Waiting  int           // frames in flight, beyond which none is sent
	Deadline time.Duration // answers expected to take longer are provisional first, so the small net is not skipped; 0: no answer is provisional
}

// late reports whether an answer with that expected time is provisional first.
func (l Limits) late(t time.Duration) bool { return l.Deadline > 0 && t > l.Deadline }

// open reports whether a frame may be sent to the server. A device with an alternative waits until a probe has measured the
// link.
func (l Limits) open(m *Meter, at time.Duration, alternative bool) bool {
	return m.Waiting() < max(1, l.Waiting) && !m.Down(at) && (m.Known() || !alternative)
}

const (
	probeFirst = 16   // while the small net is skipped it still runs on one frame in so many: the hit rate may have changed
	certain    = 0.9  // share of the device's time below which a frame is sent: a link may change, a processor hardly does …
	unknown    = 0.7  // … and until the server has answered once: the expected time is the link's alone
	patience   = 1.5  // times the expected time that a device with an alternative waits for an answer
	margin     = 0.95 // share of the small net's expected cost below which it is skipped
)

// Rule chooses the action with the lowest expected time.
type Rule struct {
	Costs
	Limits
	Meter  *Meter
	frames int
}

// best returns the fastest way to the full model's answer and its expected time.
func (r *Rule) best(at, busy time.Duration) (Choice, time.Duration) {
	choice, least := Choice{}, time.Duration(-1)
	if r.Full > 0 {
		least = busy + r.Full
		choice = Choice{Action: Here, Provisional: r.late(least)}
	}
	if !r.open(r.Meter, at, r.Full > 0) {
		return choice, least
	}
	for i, f := range r.Forms {
		encode := f.Encode
		if encode > 0 {
			encode += busy
		}
		t := encode + r.Meter.Expect(at, f.Bytes)
		if least < 0 || t < least && (choice.Action != Here || t < time.Duration(r.Meter.discount()*float64(least))) {
			choice, least = Choice{Action: Ask, Form: i, Provisional: r.late(t) || r.Deadline > 0 && !r.Meter.Known(), Patience: r.patience(t, r.Meter)}, t
		}
	}
	return choice, least
}

// Miss chooses the fastest way to the full model's answer, Alone if there is none now.
func (r *Rule) Miss(at, busy time.Duration) Choice {
	c, _ := r.best(at, busy)
	return c
}

// First skips the small net if the full model's answer is expected to be faster without it.
func (r *Rule) First(at time.Duration, hitRate float64, busy time.Duration) Choice {
	r.frames++
	_, miss := r.best(at, busy)
	if miss < 0 || r.frames%probeFirst == 0 || !r.Meter.Known() {
		return Choice{}
	}
	withSmall := busy + r.Small + time.Duration((1-hitRate)*float64(miss-min(miss, busy)))
	straight, least := Choice{}, time.Duration(margin*float64(withSmall))
	if r.Full > 0 {
		if t := busy + r.Decode + r.Full; t < least {
			straight, least = Choice{Action: Here}, t
		}
	}
	if r.open(r.Meter, at, r.Full > 0) {
		if t := r.Meter.Expect(at, r.Forms[0].Bytes); t < least {
			straight, least = Choice{Action: Ask, Patience: r.patience(t, r.Meter)}, t
		}
	}
	if r.late(least) {
		return Choice{}
	}
	return straight
}

// Settled does nothing: the rule's measurements are in the meter.
func (r *Rule) Settled(time.Duration, Choice, bool, time.Duration) {}
