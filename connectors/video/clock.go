package video

import (
	"math"
	"time"
)

// maxLag is how far a live camera's own clock may fall behind before its times are taken from arrivals again.
const maxLag = 5 * time.Second

// clock turns the times of packets into record times: the start of the source plus the packet's time. Of a live source
// the start is estimated: it is as early as the packet with the smallest delay implies.
type clock struct {
	start time.Time // of the source; zero until the first packet of a live one
	live  bool
	last  time.Time // record time of the last frame: each one is later than those before it
}

// restart forgets when the source started, since a new connection counts its times from the beginning.
func (c *clock) restart() { c.start = time.Time{} }

// observe takes the arrival of a live packet into account, and reports by how much the start moved to an earlier time.
func (c *clock) observe(p packet, now time.Time) (moved time.Duration) {
	if !p.timed {
		return 0
	}
	start := now.Add(-p.time)
	late := start.Sub(c.start)
	switch {
	case c.start.IsZero(), late > maxLag:
		c.start = start
		return 0
	case late < 0:
		c.start = start
		return -late
	}
	return 0
}

// stamp returns the record time of an observed packet.
func (c *clock) stamp(p packet, arrived time.Time) time.Time {
	at := c.start.Add(p.time)
	switch {
	case !p.timed && c.live:
		at = arrived
	case !p.timed:
		at = c.last
	case c.live && at.After(arrived):
		at = arrived
	}
	if earliest := c.last.Add(time.Millisecond); at.Before(earliest) {
		at = earliest
	}
	c.last = at
	return at
}

// thin lets the first frame of each slot of 1/fps seconds pass; all of them where fps is 0.
type thin struct {
	fps  float64
	slot float64
	any  bool
}

func (t *thin) pass(at time.Duration) bool {
	if t.fps == 0 {
		return true
	}
	slot := math.Floor(at.Seconds()*t.fps + 0.001) // as the filter of the encoder counts
	if t.any && slot == t.slot {
		return false
	}
	t.any, t.slot = true, slot
	return true
}

// A pause is a gap when it is longer than minGap and than gapFrames of the usual intervals.
const (
	minGap    = time.Second
	gapFrames = 5
)

// gaps counts the pauses of a stream that are longer than its frames are apart.
type gaps struct {
	count int
	total time.Duration
	usual time.Duration // moving average of the intervals
	last  time.Time
}

func (g *gaps) see(at time.Time) {
	if g.last.IsZero() {
		g.last = at
		return
	}
	d := at.Sub(g.last)
	g.last = at
	if d > minGap && g.usual > 0 && d > gapFrames*g.usual {
		g.count++
		g.total += d
		return
	}
	if g.usual == 0 {
		g.usual = d
	}
	g.usual += (d - g.usual) / 16
}
