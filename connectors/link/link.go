package link

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// Link is a link of a shape, shared by all connections of a device. It is safe for concurrent use.
type Link struct {
	Shape    Shape
	Up, Down *Direction // from the device to the server, and back
	began    time.Time
}

// New returns an idle link. The seed decides which packets are lost.
func New(s Shape, seed uint64) *Link {
	return &Link{Shape: s, Up: newDirection(s, seed, 1), Down: newDirection(s, seed, 2), began: time.Now()}
}

// since is the link's time for real connections.
func (l *Link) since() time.Duration { return time.Since(l.began) }

// Direction is one direction of a link: a queue without bound that is served first come, first served, then the delay.
type Direction struct {
	mu     sync.Mutex
	shape  Shape
	rng    *rand.Rand
	free   time.Duration // when everything accepted so far has been sent
	slot   int64         // of the trace: the opportunity in use …
	left   int           // … and the bytes that it can still carry
	cuts   []cut
	latest time.Duration // arrival of what was accepted last, before losses
}

// cut is a stretch of time in which nothing is sent.
type cut struct{ from, to time.Duration }

func newDirection(s Shape, seed, stream uint64) *Direction {
	return &Direction{shape: s, rng: rand.New(rand.NewPCG(seed, stream)), slot: -1}
}

// Cut makes the direction send nothing from one moment to another; what waits is sent afterwards. Cuts are added in order.
func (d *Direction) Cut(from, to time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cuts = append(d.cuts, cut{from, to})
}

// Cut cuts both directions.
func (l *Link) Cut(from, to time.Duration) {
	l.Up.Cut(from, to)
	l.Down.Cut(from, to)
}

// Deliver accepts bytes at a moment, counted from the start of the link, and returns when the last of them arrives. Moments
// should not decrease: one that lies before an earlier call's is served after that call.
func (d *Direction) Deliver(at time.Duration, bytes int) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	sent := d.send(max(at, d.free), bytes)
	d.free = sent
	d.latest = sent + d.shape.RTT/2
	return d.latest + time.Duration(d.losses(bytes))*d.shape.RTT
}

// send returns when bytes that are at the head of the queue from a moment on have been sent.
func (d *Direction) send(at time.Duration, bytes int) time.Duration {
	at = d.connected(at)
	switch {
	case d.shape.Trace != nil:
		return d.sendTraced(at, bytes)
	case d.shape.Rate <= 0:
		return at
	}
	need := time.Duration(float64(bytes) * 8 / d.shape.Rate * float64(time.Second))
	for _, c := range d.cuts {
		if c.from >= at && c.from < at+need { // interrupted: the rest follows after the cut
			need -= c.from - at
			at = c.to
		}
	}
	return at + need
}

// sendTraced uses the trace's opportunities from a moment on. Packets that follow one another share an opportunity.
func (d *Direction) sendTraced(at time.Duration, bytes int) time.Duration {
	t := d.shape.Trace
	for bytes > 0 {
		if d.left == 0 || t.at(d.slot) < at {
			d.slot, d.left = max(d.slot+1, t.next(at)), Packet
		}
		if now := t.at(d.slot); d.connected(now) > now {
			at, d.left = d.connected(now), 0
			continue
		}
		used := min(bytes, d.left)
		bytes, d.left = bytes-used, d.left-used
		at = t.at(d.slot)
	}
	return at
}

// connected returns the moment, or the end of the cut that it falls into.
func (d *Direction) connected(at time.Duration) time.Duration {
	for _, c := range d.cuts {
		if at >= c.from && at < c.to {
			at = c.to
		}
	}
	return at
}

// mostLosses bounds the rounds of one message: at the highest loss that [Parse] takes, more are unlikely.
const mostLosses = 20

// losses draws in how many rounds one packet of a message or more is lost: those of a round are sent again together, one RTT
// later, as selective acknowledgements let TCP do. A full timeout is not modelled.
func (d *Direction) losses(bytes int) int {
	if d.shape.Loss <= 0 {
		return 0
	}
	packets := float64((bytes + Packet - 1) / Packet)
	rounds := 0
	for ; packets > 0 && rounds < mostLosses; rounds++ {
		if d.rng.Float64() < math.Pow(1-d.shape.Loss, packets) {
			break
		}
		packets = max(1, math.Round(packets*d.shape.Loss))
	}
	return rounds
}
