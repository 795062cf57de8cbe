package link

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

func shape(t *testing.T, text string) Shape {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDeliver(t *testing.T) {
	d := New(shape(t, "1mbit,40ms"), 1).Up // 125 bytes per ms
	for i, c := range []struct {
		at    time.Duration
		bytes int
		want  time.Duration
	}{
		{0, 1250, 30 * ms},        // 10 to send, 20 to travel
		{0, 1250, 40 * ms},        // waits for the first
		{5 * ms, 125, 41 * ms},    // for both
		{100 * ms, 125, 121 * ms}, // the link was idle
		{90 * ms, 125, 122 * ms},  // a call too late is served when it comes
		{200 * ms, 0, 220 * ms},   // nothing to send
	} {
		if got := d.Deliver(c.at, c.bytes); got != c.want {
			t.Errorf("%d: arrives at %v, want %v", i, got, c.want)
		}
	}
}

func TestDirectionsAreApart(t *testing.T) {
	l := New(shape(t, "1mbit"), 1)
	l.Up.Deliver(0, 125_000)
	if got := l.Down.Deliver(0, 125); got != ms {
		t.Errorf("down waits for up: %v", got)
	}
}

func TestDeliverOverATrace(t *testing.T) {
	d := New(Shape{Trace: &Trace{slots: []int64{10, 20, 20, 30}}, RTT: 2 * ms}, 1).Up
	for i, c := range []struct {
		at    time.Duration
		bytes int
		want  time.Duration
	}{
		{0, 700, 11 * ms},
		{0, 800, 11 * ms},        // shares the opportunity
		{0, 3000, 21 * ms},       // both at 20
		{21 * ms, 1501, 41 * ms}, // 30, and the first of the next repetition
		{95 * ms, 100, 101 * ms}, // opportunities between were lost
	} {
		if got := d.Deliver(c.at, c.bytes); got != c.want {
			t.Errorf("%d: arrives at %v, want %v", i, got, c.want)
		}
	}
}

func TestNothingPassesDuringACut(t *testing.T) {
	for name, s := range map[string]Shape{"rate": shape(t, "1mbit"), "trace": {Trace: &Trace{slots: []int64{1}}}} {
		d := New(s, 1).Up
		d.Cut(10*ms, 1000*ms)
		if got := d.Deliver(0, 125*5); got > 10*ms {
			t.Errorf("%s: before the cut: %v", name, got)
		}
		if got := d.Deliver(20*ms, 125); got < 1000*ms || got > 1002*ms {
			t.Errorf("%s: during the cut: %v", name, got)
		}
	}
	d := New(shape(t, "1mbit"), 1).Up
	d.Cut(10*ms, 1000*ms)
	if got := d.Deliver(5*ms, 1250); got != 1005*ms {
		t.Errorf("interrupted half way: %v", got)
	}
}

// A message lost once costs a round trip more; how often that happens follows from the loss.
func TestLosses(t *testing.T) {
	d := New(shape(t, "1gbit,100ms,10%"), 7).Up
	late, n := 0, 20_000
	for i := range n {
		at := time.Duration(i) * time.Second
		if extra := d.Deliver(at, 100) - at - 50*ms; extra > 50*ms {
			late++
		}
	}
	if got := float64(late) / float64(n); math.Abs(got-0.1) > 0.01 {
		t.Errorf("%.3f of single packets are late, want 0.1", got)
	}
}

// Whatever is sent when, nothing arrives sooner than its bytes and the delay allow, and a link never carries more than its
// rate.
func TestDeliverNeverBeatsTheLink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Shape{Rate: rapid.Float64Range(1e4, 1e8).Draw(t, "rate"), RTT: time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "rtt"))}
		if rapid.Bool().Draw(t, "traced") {
			s.Trace = LTE(1)
		} else if rapid.Bool().Draw(t, "lossy") {
			s.Loss = 0.1
		}
		d := New(s, 1).Up
		var at, last, total time.Duration
		for range rapid.IntRange(1, 30).Draw(t, "messages") {
			at += time.Duration(rapid.Int64Range(0, int64(100*ms)).Draw(t, "gap"))
			bytes := rapid.IntRange(0, 20_000).Draw(t, "bytes")
			got := d.Deliver(at, bytes)
			if got < at+s.RTT/2 {
				t.Fatalf("%d bytes at %v arrive at %v, RTT %v", bytes, at, got, s.RTT)
			}
			if s.Trace == nil {
				total += time.Duration(float64(bytes) * 8 / s.Rate * float64(time.Second))
				if got < total+s.RTT/2 {
					t.Fatalf("faster than the rate: %v, the bytes so far alone take %v", got, total)
				}
			}
			if s.Loss == 0 && got < last {
				t.Fatalf("overtakes: %v after %v", got, last)
			}
			last = got
		}
	})
}
