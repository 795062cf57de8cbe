package video

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at(seconds float64) packet {
	return packet{timed: true, time: time.Duration(seconds * float64(time.Second))}
}

// A file's frames keep their time differences, however fast the file is read.
func TestFileClock(t *testing.T) {
	c := clock{start: noon}
	for _, s := range []float64{0, 0.1, 0.2, 5} {
		if got := c.stamp(at(s), time.Now()); !got.Equal(noon.Add(at(s).time)) {
			t.Errorf("%g s: %s", s, got)
		}
	}
	if got := c.stamp(at(1), time.Now()); !got.Equal(noon.Add(5*time.Second + time.Millisecond)) {
		t.Errorf("a timestamp that goes back: %s", got)
	}
	if got := c.stamp(packet{}, time.Now()); !got.Equal(noon.Add(5*time.Second + 2*time.Millisecond)) {
		t.Errorf("no timestamp: %s", got)
	}
}

func TestLiveClock(t *testing.T) {
	second := func(s float64) time.Time { return noon.Add(at(s).time) }
	c := clock{live: true}
	for i, step := range []struct {
		packet            packet
		arrives, recorded time.Time
	}{
		{at(100), second(0), second(0)},         // the first one: the source starts now
		{at(100.04), second(0.3), second(0.04)}, // late on the network, but taken 40 ms after the first
		{at(101), second(0.9), second(0.9)},     // ahead of the clock: the start moves
		{at(102), second(8), second(8)},         // far behind: the camera's clock stopped
		{at(0), second(9), second(9)},           // it was restarted
		{packet{}, second(9.5), second(9.5)},    // no timestamp
	} {
		c.observe(step.packet, step.arrives)
		if got := c.stamp(step.packet, step.arrives); !got.Equal(step.recorded) {
			t.Errorf("step %d: %s, want %s", i, got, step.recorded)
		}
	}
	c.restart()
	c.observe(at(7), second(20))
	if got := c.stamp(at(7), second(20)); !got.Equal(second(20)) {
		t.Errorf("after a restart: %s", got)
	}
}

// Record times increase; a live frame's is neither in the future nor older than the allowed lag.
func TestLiveClockInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock{live: true}
		now, last := noon, time.Time{}
		for range 50 {
			now = now.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
			p := packet{timed: rapid.Bool().Draw(t, "timed"), time: time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "pts"))}
			c.observe(p, now)
			got := c.stamp(p, now)
			if !got.After(last) || got.After(now) || now.Sub(got) > maxLag {
				t.Fatalf("at %s, after %s: %s", now, last, got)
			}
			last = got
		}
	})
}

func TestThin(t *testing.T) {
	count := func(fps float64, source int) (n int) {
		keep := thin{fps: fps}
		for i := range 10 * source {
			if keep.pass(time.Duration(i) * time.Second / time.Duration(source)) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		fps    float64
		source int
		want   int
	}{{0, 25, 250}, {10, 25, 100}, {25, 25, 250}, {30, 25, 250}, {0.5, 25, 5}, {5, 10, 50}} {
		if got := count(c.fps, c.source); got != c.want {
			t.Errorf("%g of %d frames a second: %d in 10 s, want %d", c.fps, c.source, got, c.want)
		}
	}
}

func TestGaps(t *testing.T) {
	var g gaps
	now := noon
	for _, d := range []time.Duration{100, 100, 100, 900, 100, 5000, 100, 100, 2000, 100} {
		now = now.Add(d * time.Millisecond)
		g.see(now)
	}
	if g.count != 2 || g.total != 7*time.Second {
		t.Errorf("%d gaps of %s", g.count, g.total)
	}
	slow := gaps{}
	for i := range 10 {
		slow.see(noon.Add(time.Duration(i) * time.Minute))
	}
	if slow.count != 0 {
		t.Errorf("%d gaps in a stream of a frame a minute", slow.count)
	}
}
