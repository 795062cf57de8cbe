// Package link imitates a network link between a device and a server, for tests and benchmarks: a rate or a trace of
// sending opportunities, a delay, and losses. One model serves two users: [Dialer] delays real connections,
// and [Direction.Deliver] computes arrivals in virtual time. No privileges are needed.
package link

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Shape describes a link; both directions are alike and independent. The zero value is a perfect link.
type Shape struct {
	Rate  float64       // bits per second in each direction; 0: unlimited, or as Trace says
	Trace *Trace        // sending opportunities, in place of Rate
	RTT   time.Duration // round trip time without queueing: half of it in each direction
	Loss  float64       // share of packets that are lost once, 0 … <1; each round of losses costs one more RTT
	text  string
}

// Syntax is the form that [Parse] reads, for help texts.
const Syntax = "RATE[,RTT[,LOSS]] as in 10mbit,40ms,1%; in place of RATE also trace:FILE (mahimahi) or lte (generated)"

// units of rates, the longest first.
var units = []struct {
	name  string
	scale float64
}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

// Parse reads a link of the form "10mbit,40ms,1%": rate, round trip time, and share of lost packets; the last two may be
// left out. The rate may be "trace:FILE", a trace in mahimahi's format, or "lte", the generated trace of [LTE]. An empty
// text is a perfect link.
func Parse(text string) (Shape, error) {
	s := Shape{text: text}
	if text == "" {
		return s, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) > 3 {
		return Shape{}, fmt.Errorf("link %q: must be %s", text, Syntax)
	}
	if err := s.parseRate(strings.TrimSpace(parts[0])); err != nil {
		return Shape{}, fmt.Errorf("link %q: %w", text, err)
	}
	if len(parts) > 1 {
		rtt, err := time.ParseDuration(strings.TrimSpace(parts[1]))
		if err != nil || rtt < 0 {
			return Shape{}, fmt.Errorf("link %q: round trip time %q: must be a duration of at least 0, e.g. 40ms", text, parts[1])
		}
		s.RTT = rtt
	}
	if len(parts) > 2 {
		loss, err := parseLoss(strings.TrimSpace(parts[2]))
		if err != nil {
			return Shape{}, fmt.Errorf("link %q: %w", text, err)
		}
		s.Loss = loss
	}
	return s, nil
}

// String returns the text that the shape was parsed from.
func (s Shape) String() string { return s.text }

func (s *Shape) parseRate(text string) error {
	if text == "lte" {
		s.Trace = LTE(1)
		return nil
	}
	if file, ok := strings.CutPrefix(text, "trace:"); ok {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("open trace: %w", err)
		}
		defer f.Close()
		if s.Trace, err = readTrace(f); err != nil {
			return fmt.Errorf("read trace %s: %w", file, err)
		}
		return nil
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(strings.ToLower(text), u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v > 0 && v*u.scale <= 1e12) {
			break
		}
		s.Rate = v * u.scale
		return nil
	}
	return fmt.Errorf("rate %q: must be a number above 0 with kbit, mbit or gbit, or trace:FILE, or lte", text)
}

func parseLoss(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 0.5) {
		return 0, fmt.Errorf("loss %q: must be from 0%% to 50%%", text)
	}
	return v, nil
}
