package offload

import (
	"math"
	"time"
)

// Meter measures a link, and the server behind it, from the messages of a device: the time until the server's broker
// acknowledges a message, and from there to the answer. The link is a line by least squares through (bytes ahead and own,
// seconds until acknowledged), in which old observations count less: its slope is the inverse of the link's rate, its intercept
// the round trip. Probes are observations too: telling the rate from the round trip takes messages of two sizes. Times count
// from any moment. The zero value is ready; it is not safe for concurrent use.
type Meter struct {
	weight, x, y, xx, xy float64 // discounted sums: x in bytes, y in seconds
	seen                 time.Duration
	known                bool
	failed               bool          // the last message could not be sent
	odd                  int           // observations in a row, in one direction, that are far off the line
	resumed              time.Duration // when the link last recovered from an outage: earlier messages are no observations of it
	sent                 []message     // messages without an acknowledgement or an answer, oldest first
	next, probes         int
	last                 time.Duration // when something was sent
	server               float64       // mean time of the server, seconds
	replied              time.Duration
}

// message is a message that is not finished.
type message struct {
	id    int
	at    time.Duration
	bytes int // its own
	ahead int // its own and those of earlier ones that the link still held
	acked time.Duration
	held  bool // acknowledged by the server's broker
	probe bool // a probe has no answer
}

const (
	memory      = 6 * time.Second // after which an observation counts a third
	stalled     = 4               // times the expected wait without an acknowledgement, after which the link counts as down …
	leastWait   = 500 * time.Millisecond
	outage      = 2 * time.Second // a message that waited so long on a link that was down is no observation
	leastSpread = 50              // bytes: least standard deviation of the sizes for a rate; below, all the time is attributed to the rate
	serverNew   = 0.1             // weight of a new observation of the server's time
	farOff      = 2               // an observation is far off at so many times the expected time, or at that fraction of it
	oddInRow    = 2               // after so many of these in a row the link counts as another one
)

// Sizes of probes, in bytes: the large one shows the rate.
const (
	probeSmall = 100
	probeLarge = 1500
	largeEvery = 5
)

// Send records that a frame of that many bytes is sent; [Meter.Ack] and [Meter.Answer] take the id that it returns.
func (m *Meter) Send(at time.Duration, bytes int) (id int) { return m.send(at, bytes, false) }

// ProbeEvery is the time without a message after which a probe is due; frames measure the link as well.
const ProbeEvery = time.Second

// Due reports whether a probe is due.
func (m *Meter) Due(at time.Duration) bool { return m.next == 0 || at-m.last >= ProbeEvery }

// Probe records that a probe is sent, and returns its size in bytes. A probe is finished once acknowledged.
func (m *Meter) Probe(at time.Duration) (id, bytes int) {
	bytes = probeSmall
	alike := m.weight > 0 && m.spread() < leastSpread*leastSpread // what was sent before
	if m.probes%largeEvery == 0 && !alike || alike && m.x/m.weight < probeLarge/2 {
		bytes = probeLarge
	}
	m.probes++
	return m.send(at, bytes, true), bytes
}

func (m *Meter) send(at time.Duration, bytes int, probe bool) int {
	m.next++
	m.last = at
	m.sent = append(m.sent, message{id: m.next, at: at, bytes: bytes, ahead: m.queued(at) + bytes, probe: probe})
	return m.next
}

// queued estimates how many unacknowledged bytes are still queued: those that the rate cannot have carried yet.
func (m *Meter) queued(at time.Duration) int {
	_, slope := m.line()
	if slope <= 0 {
		return 0
	}
	queue, last := 0.0, time.Duration(0)
	for _, s := range m.sent {
		if s.held {
			continue
		}
		queue = max(0, queue-(s.at-last).Seconds()/slope) + float64(s.bytes)
		last = s.at
	}
	return int(max(0, queue-(at-last).Seconds()/slope))
}

func (m *Meter) find(id int) int {
	for i := range m.sent {
		if m.sent[i].id == id {
			return i
		}
	}
	return -1
}

func (m *Meter) drop(i int) { m.sent = append(m.sent[:i], m.sent[i+1:]...) }

// Ack records the acknowledgement of the messages of one request, oldest first. The last one is the observation: the others
// waited for it. Unknown ids are ignored.
func (m *Meter) Ack(at time.Duration, ids ...int) {
	for k, id := range ids {
		i := m.find(id)
		if i < 0 || m.sent[i].held {
			continue
		}
		s := &m.sent[i]
		if m.known && at-s.at > outage && m.Down(at) {
			m.resumed = at
		}
		s.held, s.acked = true, at
		if k == len(ids)-1 && (s.at >= m.resumed || !m.known) {
			m.observe(float64(s.ahead), max(0, (at-s.at).Seconds()), at)
		}
		if s.probe {
			m.drop(i)
		}
	}
	m.seen, m.failed = max(m.seen, at), false
}

// Fail records that a message could not be sent: the link is down until the next acknowledgement.
func (m *Meter) Fail(id int) {
	m.Forget(id)
	m.failed = true
}

// Release records that the answer to a frame is no longer awaited: it is finished once acknowledged. The server takes at
// least the time waited.
func (m *Meter) Release(id int, at time.Duration) {
	i := m.find(id)
	if i < 0 {
		return
	}
	s := &m.sent[i]
	if s.probe = true; s.held {
		m.server = max(m.server, (at - s.acked).Seconds())
		m.drop(i)
	}
}

// Answer records the server's answer to a frame. An unknown id is ignored: answers may be duplicates. An answer may overtake
// its acknowledgement.
func (m *Meter) Answer(id int, at time.Duration) {
	i := m.find(id)
	if i < 0 {
		return
	}
	s := m.sent[i]
	if took := (at - s.acked).Seconds(); s.held && took >= 0 {
		if m.server == 0 {
			m.server = took
		}
		m.server += serverNew * (took - m.server)
	}
	m.replied, m.seen, m.failed = max(m.replied, at), max(m.seen, at), false
	m.drop(i)
}

// Forget drops a message that was not sent.
func (m *Meter) Forget(id int) {
	if i := m.find(id); i >= 0 {
		m.drop(i)
	}
}

// observe adds a point. If several in a row are far off the line in one direction, the link has changed, and earlier points
// are dropped.
func (m *Meter) observe(x, y float64, at time.Duration) {
	rtt, slope := m.line()
	expected := rtt + slope*x
	switch {
	case !m.known:
	case y > farOff*expected:
		m.odd = max(0, m.odd) + 1
	case y < expected/farOff:
		m.odd = min(0, m.odd) - 1
	default:
		m.odd = 0
	}
	keep := math.Exp(-max(0, at-m.seen).Seconds() / memory.Seconds())
	if !m.known || m.odd >= oddInRow || m.odd <= -oddInRow {
		keep, m.odd = 0, 0
	}
	m.known = true
	m.weight, m.x, m.y = keep*m.weight+1, keep*m.x+x, keep*m.y+y
	m.xx, m.xy = keep*m.xx+x*x, keep*m.xy+x*y
}

// spread returns the variance of the sizes.
func (m *Meter) spread() float64 {
	mx := m.x / m.weight
	return m.xx/m.weight - mx*mx
}

// line returns the round trip in seconds and the seconds per byte, both at least 0.
func (m *Meter) line() (rtt, slope float64) {
	if m.weight == 0 {
		return 0, 0
	}
	mx, my := m.x/m.weight, m.y/m.weight
	slope = my / max(1, mx) // a line through the origin is the steepest possible
	if spread := m.spread(); spread > leastSpread*leastSpread {
		slope = min(slope, max(0, (m.xy/m.weight-mx*my)/spread))
	}
	return max(0, my-slope*mx), slope
}

// Expect returns the expected time of the answer to a frame of that many bytes sent now; 0 before the first acknowledgement.
func (m *Meter) Expect(at time.Duration, bytes int) time.Duration {
	rtt, slope := m.line()
	return seconds(rtt + slope*float64(m.queued(at)+bytes) + m.server)
}

// Link returns the measured round trip, the rate in bytes per second (0: not known) and the server's own time.
func (m *Meter) Link() (rtt time.Duration, rate float64, server time.Duration) {
	r, slope := m.line()
	if slope > 0 {
		rate = 1 / slope
	}
	return seconds(r), rate, seconds(m.server)
}

// discount returns the share of the device's time below which a frame is sent.
func (m *Meter) discount() float64 {
	if m.replied == 0 {
		return unknown
	}
	return certain
}

// Known reports whether anything has been acknowledged yet.
func (m *Meter) Known() bool { return m.known }

// Down reports whether acknowledgements are overdue by far, since the last one or from the start, or whether answers of the
// server are.
func (m *Meter) Down(at time.Duration) bool {
	rtt, slope := m.line()
	if m.failed {
		return true
	}
	link, server := false, false
	for _, s := range m.sent { // the oldest of each kind decides
		switch {
		case !s.held && !link:
			link = true
			if overdue(at, s.at, m.seen, seconds(rtt+slope*float64(s.ahead))) {
				return true
			}
		case s.held && !server:
			server = true
			if overdue(at, s.acked, m.replied, seconds(rtt+m.server)) {
				return true
			}
		}
	}
	return false
}

// overdue reports whether a message that waits since a moment is overdue by far, and nothing else has arrived meanwhile.
func overdue(now, since, last, expected time.Duration) bool {
	return now-since > max(leastWait, stalled*expected) && now-max(since, last) > leastWait
}

// Waiting returns the number of frames that wait for an answer.
func (m *Meter) Waiting() (n int) {
	for _, s := range m.sent {
		if !s.probe {
			n++
		}
	}
	return n
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
