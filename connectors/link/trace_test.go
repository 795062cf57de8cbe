package link

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadTraceRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"":              "no opportunity",
		"0\n0\n":        "no opportunity",
		"1\nx\n":        "line 2",
		"5\n4\n":        "must not decrease",
		"-1\n":          "whole milliseconds",
		"1.5\n":         "whole milliseconds",
		"9999999999999": "whole milliseconds",
	} {
		if _, err := readTrace(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error about %q", text, err, says)
		}
	}
}

func TestTheGeneratedTraceLooksLikeALink(t *testing.T) {
	a, again, other := LTE(1), LTE(1), LTE(2)
	if !slices.Equal(a.slots, again.slots) || slices.Equal(a.slots, other.slots) {
		t.Error("a seed must give one trace, and another seed another")
	}
	if r := a.Rate(); r < 4e6 || r > 20e6 {
		t.Errorf("mean rate %.1f Mbit/s", r/1e6)
	}
	slow := 0 // seconds below a quarter of the mean
	for s := range 60 {
		first, _ := slices.BinarySearch(a.slots, int64(s)*1000+1)
		end, _ := slices.BinarySearch(a.slots, int64(s+1)*1000+1)
		if float64((end-first)*Packet*8) < a.Rate()/4 {
			slow++
		}
	}
	if slow == 0 || slow > 30 {
		t.Errorf("%d of 60 seconds are slow", slow)
	}
}

func TestTraceRepeats(t *testing.T) {
	tr := &Trace{slots: []int64{2, 5, 10}}
	for at, want := range map[time.Duration]time.Duration{0: 2, 2: 2, 3: 5, 6: 10, 10: 10, 11: 12, 13: 15, 20: 20, 21: 22, 103: 105} {
		if got := tr.at(tr.next(at * time.Millisecond)); got != want*time.Millisecond {
			t.Errorf("after %d ms: %v", at, got)
		}
	}
}
