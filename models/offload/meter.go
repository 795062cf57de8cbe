package offload

import (
	"math"
	"time"
)

// Meter measures a link, and the server behind it, by what a device sends: how long a message takes until the server's side
// acknowledges it, and how long from there to the answer. The link is a line through (bytes ahead and own, seconds until
// acknowledged) by least squares, in which old observations count less: its slope is the link's rate and its intercept the
// round trip. Small probes are observations too; without messages of two sizes the rate and the round trip cannot be told
// apart. Times count from any moment. The zero value is ready; it is not safe for concurrent use.
type Meter struct {
	weight, x, y, xx, xy float64 // discounted sums: x in bytes, y in seconds
	seen                 time.Duration
	known                bool
	failed               bool          // the last message could not be sent
	odd                  int           // observations in a row, in one direction, that are far off the line
	resumed              time.Duration // when the link last carried something after an outage: what was sent before says nothing of it
	sent                 []message     // that the server has not acknowledged or not answered, oldest first
	next, probes         int
	last                 time.Duration // when something was sent
	server               float64       // mean time of the server, seconds
	replied              time.Duration
}

// message is something sent that is not done with.
type message struct {
	id    int
	at    time.Duration
	bytes int // its own
	ahead int // its own and those of earlier ones that the link still held
	acked time.Duration
	held  bool // by the server: it is acknowledged
	probe bool // nobody answers it
}

const (
	memory      = 6 * time.Second // after which an observation counts a third
	stalled     = 4               // times the expected wait without a sign, after which the link counts as down …
	leastWait   = 500 * time.Millisecond
	outage      = 2 * time.Second // that a message must have waited on a link that is down, for its time to say nothing of the link
	leastSpread = 50              // bytes: standard deviation of the sizes from which a rate can be told; below, all the time counts as the rate's
	serverNew   = 0.1             // weight of a new observation of the server's time
	farOff      = 2               // times the expected time, or a share of it, that an observation is off if it is far off
	oddInRow    = 2               // after so many of these the link is taken for another one
)

// Sizes of probes, in bytes: the large one shows the rate.
const (
	probeSmall = 100
	probeLarge = 1500
	largeEvery = 5
)

// Send notes that a frame of so many bytes is sent; [Meter.Ack] and [Meter.Answer] take the id that it returns.
func (m *Meter) Send(at time.Duration, bytes int) (id int) { return m.send(at, bytes, false) }

// ProbeEvery is how long nothing may be sent before a probe is due: frames that are asked about show the link as well.
const ProbeEvery = time.Second

// Due reports whether a probe is.
func (m *Meter) Due(at time.Duration) bool { return m.next == 0 || at-m.last >= ProbeEvery }

// Probe notes that a probe is sent, and says how large it is to be. It is done with once acknowledged.
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

// queued estimates how many unacknowledged bytes have not left yet: those that the rate could not have carried since.
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

// Ack notes that the server's side has messages of one request, oldest first. The last one is the observation: the others
// waited for it. Ids that are not waiting are ignored.
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

// Fail notes that a message could not be sent: the link is down until something is acknowledged.
func (m *Meter) Fail(id int) {
	m.Forget(id)
	m.failed = true
}

// Release notes that the answer about a frame is not waited for any more: it is done with once acknowledged. The server
// takes longer than it was waited for.
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

// Answer notes that the server has answered a frame. An id that is not waiting is ignored: duplicates happen. An answer
// may overtake its acknowledgement.
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

// Forget drops a message that was not sent after all.
func (m *Meter) Forget(id int) {
	if i := m.find(id); i >= 0 {
		m.drop(i)
	}
}

// observe adds a point. Where several in a row are far off the line, in one direction, the link is another one now, and
// earlier points are dropped.
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

// spread is the variance of the sizes.
func (m *Meter) spread() float64 {
	mx := m.x / m.weight
	return m.xx/m.weight - mx*mx
}

// line returns the round trip in seconds and the seconds for each byte, both at least 0.
func (m *Meter) line() (rtt, slope float64) {
	if m.weight == 0 {
		return 0, 0
	}
	mx, my := m.x/m.weight, m.y/m.weight
	slope = my / max(1, mx) // a line through the origin is the steepest that there can be
	if spread := m.spread(); spread > leastSpread*leastSpread {
		slope = min(slope, max(0, (m.xy/m.weight-mx*my)/spread))
	}
	return max(0, my-slope*mx), slope
}

// Expect returns how long an answer about so many bytes would take from now on. Before the first sign of the link it is 0.
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

// discount is the share of the time here below which the server is asked.
func (m *Meter) discount() float64 {
	if m.replied == 0 {
		return unheard
	}
	return certain
}

// Known reports whether anything has come back yet.
func (m *Meter) Known() bool { return m.known }

// Down reports whether the link has carried nothing for much longer than expected, or nothing has ever come back while
// something waits that long; or whether the server says nothing about what it has for that long.
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

// overdue reports whether what has waited since a moment should be there by far, while nothing else came either.
func overdue(now, since, last, expected time.Duration) bool {
	return now-since > max(leastWait, stalled*expected) && now-max(since, last) > leastWait
}

// Waiting returns how many frames wait for an answer.
func (m *Meter) Waiting() (n int) {
	for _, s := range m.sent {
		if !s.probe {
			n++
		}
	}
	return n
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
