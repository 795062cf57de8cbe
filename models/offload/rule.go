package offload

import (
	"fmt"
	"time"
)

// Action is how a frame gets its answer.
type Action uint8

// Actions.
const (
	Alone Action = iota // the small net's answer stands, sure or not
	Ask                 // the server's full model
	Here                // a full model on the device
)

// String is the action's name in tables.
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

// Choice is what a controller chose for a frame.
type Choice struct {
	Action      Action
	Form        int           // with Ask: index of [Form]
	Provisional bool          // the small net's answer goes out at once, and again when it is settled
	Patience    time.Duration // with Ask, on a device with a full model: without an answer by then that one is asked too, and the first to answer counts; 0: no limit
}

// Form is a form in which a frame may be sent.
type Form struct {
	Bytes  int           // of a usual frame
	Encode time.Duration // that the device takes for it
}

// Costs are what a device has measured of itself. Times are those of the device at hand.
type Costs struct {
	Small  time.Duration // of a small net's answer, with decoding
	Full   time.Duration // of the full model on the device, without decoding; 0: it has none
	Decode time.Duration // for a net, part of Small
	Forms  []Form        // the first is the frame as it is
}

// patience is how long an answer that is expected to take so long is waited for, before the full model here is asked too.
// While the server has never answered, nothing is known of its time.
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
	// First chooses before the small net has seen a frame. Alone means: ask the small net, then Miss if it is not sure.
	First(at time.Duration, hitRate float64, busy time.Duration) Choice
	// Miss chooses for a frame that the small net is not sure of; busy is how long the device's processor is taken.
	Miss(at, busy time.Duration) Choice
	// Settled tells of a choice what it took from its call on. first says that it came from First.
	Settled(at time.Duration, c Choice, first bool, took time.Duration)
}

// Limits of both controllers.
type Limits struct {
	Waiting  int           // asks without an answer, beyond which a frame is not asked about
	Deadline time.Duration // what is expected to take longer is answered provisionally first, never by passing the small net over; 0: no answer is provisional
}

// late reports whether an answer that is expected to take so long goes out provisionally first.
func (l Limits) late(t time.Duration) bool { return l.Deadline > 0 && t > l.Deadline }

// open reports whether the server may be asked. A device that can do without waits until a probe has shown the link.
func (l Limits) open(m *Meter, at time.Duration, alternative bool) bool {
	return m.Waiting() < max(1, l.Waiting) && !m.Down(at) && (m.Known() || !alternative)
}

const (
	probeFirst = 16   // where the small net is passed over, one frame in so many still asks it: the hit rate may have changed
	certain    = 0.9  // share of the time here below which the server is asked: a link may change, a processor hardly does …
	unheard    = 0.7  // … and while the server has never answered: what is expected is the link's time alone
	patience   = 1.5  // times the expected time that an answer is waited for where the device can do without
	margin     = 0.95 // share of the small net's expected cost below which it is passed over
)

// Rule chooses what the measured times say is quickest.
type Rule struct {
	Costs
	Limits
	Meter  *Meter
	frames int
}

// best returns the quickest way to the full model's answer and what it is expected to take.
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

// Miss chooses the quickest way to the full model; Alone where there is none now.
func (r *Rule) Miss(at, busy time.Duration) Choice {
	c, _ := r.best(at, busy)
	return c
}

// First passes the small net over where asking the full model at once is expected to be quicker.
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

// Settled is not needed: the meter has what the rule knows.
func (r *Rule) Settled(time.Duration, Choice, bool, time.Duration) {}
