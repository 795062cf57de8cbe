package offload

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mode is what a device does about frames that its small nets do not settle.
type Mode string

// Modes. Only with Auto does it depend on the link.
const (
	ModeAsk   Mode = "ask"   // the server is asked, and waited for
	ModeAuto  Mode = "auto"  // what is expected to be quickest, see [Rule]
	ModeHere  Mode = "here"  // the full model on the device is asked
	ModeAlone Mode = "alone" // the small net's answer stands
)

var modes = []string{string(ModeAsk), string(ModeAuto), string(ModeHere), string(ModeAlone)}

// Validate refuses unknown modes.
func (m Mode) Validate() error {
	if !slices.Contains(modes, string(m)) {
		return fmt.Errorf("%q: must be %s", m, strings.Join(modes, ", "))
	}
	return nil
}

// Part is the name under which a job's session holds its Device.
const Part = "offload.Device"

// mostWaiting is how many frames of a device may wait for an answer before others are not asked about.
const mostWaiting = 256

// Device chooses in operation, for all streams of a device. What sends frames to the server tells it when they are sent,
// acknowledged and answered. Its methods may be called concurrently. A nil Device always asks.
type Device struct {
	mode  Mode
	began time.Time

	mu    sync.Mutex
	meter Meter
	rule  Rule
}

// NewDevice returns the controller of a device. full is what its own full model takes for a frame; 0: it has none.
func NewDevice(mode Mode, full time.Duration, now time.Time) *Device {
	d := &Device{mode: mode, began: now}
	d.rule = Rule{Meter: &d.meter, Costs: Costs{Full: full}, Limits: Limits{Waiting: mostWaiting}}
	return d
}

// Measures reports whether the device needs to know the link: then it is probed.
func (d *Device) Measures() bool { return d != nil && d.mode == ModeAuto }

// Miss chooses for a frame of so many bytes that the small nets do not settle.
func (d *Device) Miss(now time.Time, bytes int) Choice {
	if d == nil {
		return Choice{Action: Ask}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.mode {
	case ModeHere:
		return Choice{Action: Here}
	case ModeAlone:
		return Choice{}
	case ModeAuto:
		d.rule.Forms = append(d.rule.Forms[:0], Form{Bytes: bytes})
		return d.rule.Miss(now.Sub(d.began), 0)
	}
	return Choice{Action: Ask}
}

// fullNew is the weight of a new observation of the full model's time.
const fullNew = 0.1

// Answered tells what the full model on the device took for a frame.
func (d *Device) Answered(took time.Duration) {
	if d == nil || took <= 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rule.Full += time.Duration(fullNew * float64(took-d.rule.Full))
}

// measure calls do with the meter and the time that it counts.
func (d *Device) measure(now time.Time, do func(m *Meter, at time.Duration)) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	do(&d.meter, now.Sub(d.began))
}

// Send is [Meter.Send].
func (d *Device) Send(now time.Time, bytes int) (id int) {
	d.measure(now, func(m *Meter, at time.Duration) { id = m.Send(at, bytes) })
	return id
}

// Probe is [Meter.Probe], where one is due.
func (d *Device) Probe(now time.Time) (id, bytes int, due bool) {
	d.measure(now, func(m *Meter, at time.Duration) {
		if due = m.Due(at); due {
			id, bytes = m.Probe(at)
		}
	})
	return id, bytes, due
}

// Ack is [Meter.Ack] for messages of one request, oldest first.
func (d *Device) Ack(now time.Time, ids ...int) {
	d.measure(now, func(m *Meter, at time.Duration) { m.Ack(at, ids...) })
}

// Fail is [Meter.Fail].
func (d *Device) Fail(id int) {
	d.measure(time.Time{}, func(m *Meter, _ time.Duration) { m.Fail(id) })
}

// Answer is [Meter.Answer].
func (d *Device) Answer(now time.Time, id int) {
	d.measure(now, func(m *Meter, at time.Duration) { m.Answer(id, at) })
}

// Release is [Meter.Release].
func (d *Device) Release(now time.Time, id int) {
	d.measure(now, func(m *Meter, at time.Duration) { m.Release(id, at) })
}

// Forget is [Meter.Forget].
func (d *Device) Forget(id int) {
	d.measure(time.Time{}, func(m *Meter, _ time.Duration) { m.Forget(id) })
}
