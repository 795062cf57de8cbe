package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Packet is how many bytes one sending opportunity carries.
const Packet = 1500

// Trace lists the moments at which a link may send a packet, as mahimahi's trace files do: one line for each opportunity to
// send 1,500 bytes, its time in milliseconds from the start, in order. After the last line's time it starts again. An
// opportunity that nobody uses is lost.
type Trace struct {
	slots []int64 // milliseconds, ascending; the last is the period
}

// readTrace reads mahimahi's format. Empty lines are skipped.
func readTrace(r io.Reader) (*Trace, error) {
	t := &Trace{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ms < 0 || ms > math.MaxInt32 {
			return nil, fmt.Errorf("line %d: %q: must be a time in whole milliseconds", n, text)
		}
		if len(t.slots) > 0 && ms < t.slots[len(t.slots)-1] {
			return nil, fmt.Errorf("line %d: %d: times must not decrease", n, ms)
		}
		t.slots = append(t.slots, ms)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(t.slots) == 0 || t.slots[len(t.slots)-1] == 0 {
		return nil, errors.New("no opportunity to send after time 0: the trace cannot be repeated")
	}
	return t, nil
}

// Rate returns the mean rate in bits per second.
func (t *Trace) Rate() float64 { return float64(len(t.slots)*Packet*8) / t.period().Seconds() }

func (t *Trace) period() time.Duration {
	return time.Duration(t.slots[len(t.slots)-1]) * time.Millisecond
}

// at returns when opportunity i comes, counted over all repetitions.
func (t *Trace) at(i int64) time.Duration {
	n := int64(len(t.slots))
	return time.Duration(i/n)*t.period() + time.Duration(t.slots[i%n])*time.Millisecond
}

// next returns the first opportunity at or after a moment.
func (t *Trace) next(at time.Duration) int64 {
	n, round := int64(len(t.slots)), int64(at/t.period())
	if round > 0 {
		round-- // the last opportunity of a repetition comes when the next one starts
	}
	for ; ; round++ {
		rest := at - time.Duration(round)*t.period()
		ms := int64((rest + time.Millisecond - 1) / time.Millisecond)
		if i, _ := slices.BinarySearch(t.slots, ms); int64(i) < n {
			return round*n + int64(i)
		}
	}
}

// Properties of the generated trace: what drive tests of LTE uplinks report in outline, not a recording of one.
const (
	lteLength = 60 * time.Second
	lteStep   = 100 * time.Millisecond // the rate is constant for so long
	lteMedian = 8e6                    // bits per second
	lteSpread = 0.9                    // standard deviation of the rate's logarithm
	lteKeep   = 0.96                   // of it from one step to the next: correlated over about 2.5 s
	lteFade   = 0.004                  // chance that a step begins a fade (a handover) …
	lteFaded  = 15                     // … of so many steps on average, at a fiftieth of the rate
	lteMost   = 40e6
)

// LTE generates a trace like that of a moving LTE uplink: the rate's logarithm is an autoregressive process around 8 Mbit/s,
// with fades of about 1.5 s. It is a stand-in with a fixed seed; no recorded trace is part of the project.
func LTE(seed uint64) *Trace {
	rng := rand.New(rand.NewPCG(seed, 0x17e))
	t := &Trace{}
	var x, owed float64 // of the process; bytes that the opportunities so far have not carried
	fade := 0
	for step := range int64(lteLength / lteStep) {
		x = lteKeep*x + math.Sqrt(1-lteKeep*lteKeep)*rng.NormFloat64()
		if rng.Float64() < lteFade {
			fade = 1 + int(rng.ExpFloat64()*lteFaded)
		}
		rate := min(lteMost, lteMedian*math.Exp(lteSpread*x))
		if fade > 0 {
			rate, fade = rate/50, fade-1
		}
		for ms := range int64(lteStep / time.Millisecond) {
			for owed += rate / 8 / 1000; owed >= Packet; owed -= Packet {
				t.slots = append(t.slots, step*int64(lteStep/time.Millisecond)+ms+1)
			}
		}
	}
	return t
}
