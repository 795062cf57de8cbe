package offload

import (
	"math"
	"time"
)

// Meter measures a link from what was sent over it and when answers came back: a line through (bytes ahead and own, transit
// time) by least squares, in which old observations count less. Its slope is the link's rate and its intercept the round
// trip. Asks and small probes are both observations; without probes of another size the two cannot be told apart.
// The zero value is ready; it is not safe for concurrent use.
type Meter struct {
	weight, x, y, xx, xy float64 // discounted sums: x in bytes, y in seconds
	seen                 time.Duration
	asks                 []ask // unanswered, oldest first
	bytes                int   // of the unanswered asks
	next                 int
	server               float64 // mean time of the server, seconds
	answered             bool
}

// ask is something sent that has not been answered.
type ask struct {
	id    int
	at    time.Duration
	bytes int // its own
	ahead int // its own and those of unanswered ones before it, which the link still held
}

const (
	memory      = 6 * time.Second // after which an observation counts a third
	stalled     = 4               // times the expected wait without an answer, after which the link counts as down …
	leastWait   = 500 * time.Millisecond
	leastSpread = 50  // bytes: standard deviation of the sizes from which a rate can be told; below, all the time counts as the rate's
	serverNew   = 0.1 // weight of a new observation of the server's time
)

// Send notes that so many bytes are sent; Answer takes the id that it returns.
func (m *Meter) Send(at time.Duration, bytes int) (id int) {
	m.next++
	m.asks = append(m.asks, ask{m.next, at, bytes, m.queued(at) + bytes})
	m.bytes += bytes
	return m.next
}

// queued estimates how many of the unanswered bytes have not left yet: those that the rate could not have carried since.
func (m *Meter) queued(at time.Duration) int {
	_, slope := m.line()
	queue, last := 0.0, time.Duration(0)
	for _, a := range m.asks {
		if slope > 0 {
			queue = max(0, queue-(a.at-last).Seconds()/slope)
		}
		queue, last = queue+float64(a.bytes), a.at
	}
	if slope > 0 {
		queue = max(0, queue-(at-last).Seconds()/slope)
	} else {
		queue = 0
	}
	return int(queue)
}

// Answer notes that the answer to an ask has arrived, for which the server says that it took so long, queueing included. An
// id that is not waiting is ignored: duplicates happen.
func (m *Meter) Answer(id int, at, server time.Duration) {
	for i, a := range m.asks {
		if a.id != id {
			continue
		}
		m.asks = append(m.asks[:i], m.asks[i+1:]...)
		m.bytes -= a.bytes
		m.observe(float64(a.ahead), max(0, (at-a.at-server).Seconds()), at)
		if server > 0 {
			if m.server == 0 {
				m.server = server.Seconds()
			}
			m.server += serverNew * (server.Seconds() - m.server)
		}
		return
	}
}

func (m *Meter) observe(x, y float64, at time.Duration) {
	keep := math.Exp(-max(0, at-m.seen).Seconds() / memory.Seconds())
	if !m.answered {
		keep = 0
	}
	m.answered, m.seen = true, max(m.seen, at)
	m.weight, m.x, m.y = keep*m.weight+1, keep*m.x+x, keep*m.y+y
	m.xx, m.xy = keep*m.xx+x*x, keep*m.xy+x*y
}

// line returns the round trip in seconds and the seconds for each byte, both at least 0.
func (m *Meter) line() (rtt, slope float64) {
	if m.weight == 0 {
		return 0, 0
	}
	mx, my := m.x/m.weight, m.y/m.weight
	slope = my / max(1, mx) // a line through the origin is the steepest that there can be
	if spread := m.xx/m.weight - mx*mx; spread > leastSpread*leastSpread {
		slope = min(slope, max(0, (m.xy/m.weight-mx*my)/spread))
	}
	return max(0, my-slope*mx), slope
}

// Expect returns how long an ask of so many bytes would take from now on, the server's time included. Before the first
// answer it is 0.
func (m *Meter) Expect(at time.Duration, bytes int) time.Duration {
	rtt, slope := m.line()
	return seconds(rtt + slope*float64(m.queued(at)+bytes) + m.server)
}

// Known reports whether anything has come back yet.
func (m *Meter) Known() bool { return m.answered }

// Down reports whether the link has carried nothing for much longer than expected, or nothing has ever come back while
// something waits that long.
func (m *Meter) Down(at time.Duration) bool {
	if len(m.asks) == 0 {
		return false
	}
	a := m.asks[0]
	rtt, slope := m.line()
	expected := seconds(rtt + slope*float64(a.ahead) + m.server)
	return at-a.at > max(leastWait, stalled*expected) && at-max(a.at, m.seen) > leastWait
}

// Waiting returns how many asks wait for an answer, and since when the oldest does.
func (m *Meter) Waiting() (n int, oldest time.Duration) {
	if len(m.asks) == 0 {
		return 0, 0
	}
	return len(m.asks), m.asks[0].at
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
