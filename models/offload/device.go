package offload

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mode decides which net answers the frames that the small nets do not settle.
type Mode string

// Modes. Only ModeAuto depends on the link.
const (
	ModeAsk   Mode = "ask"   // the server answers
	ModeAuto  Mode = "auto"  // whichever is expected to be fastest, see [Rule]
	ModeHere  Mode = "here"  // the full model on the device answers
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

// mostWaiting is how many frames of a device may be in flight; beyond them none is sent.
const mostWaiting = 256

// Device is the controller of a running device, for all its streams. The uplink reports to it when frames are sent,
// acknowledged and answered. Its methods may be called concurrently. A nil Device always chooses the server.
type Device struct {
	mode  Mode
	began time.Time

	mu    sync.Mutex
	meter Meter
	rule  Rule
}

// NewDevice returns the controller of a device. full is the time of its own full model for a frame; 0: it has none.
func NewDevice(mode Mode, full time.Duration, now time.Time) *Device {
	d := &Device{mode: mode, began: now}
	d.rule = Rule{Meter: &d.meter, Costs: Costs{Full: full}, Limits: Limits{Waiting: mostWaiting}}
	return d
}

// Measures reports whether the mode depends on the link, which then has to be probed.
func (d *Device) Measures() bool { return d != nil && d.mode == ModeAuto }

// Miss chooses for a frame of that many bytes that the small nets do not settle.
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

// Answered reports the time of the full model on the device for a frame.
func (d *Device) Answered(took time.Duration) {
	if d == nil || took <= 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rule.Full += time.Duration(fullNew * float64(took-d.rule.Full))
}

// measure calls do with the meter and the time on its clock.
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
