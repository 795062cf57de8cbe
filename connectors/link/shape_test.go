package link

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		rate float64
		rtt  time.Duration
		loss float64
	}{
		{"", 0, 0, 0},
		{"10mbit,40ms,1%", 10e6, 40 * time.Millisecond, 0.01},
		{"250kbit", 250e3, 0, 0},
		{"1.5Mbit, 1s", 1.5e6, time.Second, 0},
		{"2gbit,0s,0.02", 2e9, 0, 0.02},
	} {
		s, err := Parse(c.text)
		if err != nil || s.Rate != c.rate || s.RTT != c.rtt || s.Loss != c.loss || s.String() != c.text {
			t.Errorf("Parse(%q) = %+v, %v", c.text, s, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"10":                  "rate",
		"-1mbit":              "rate",
		"0mbit":               "rate",
		"NaNmbit":             "rate",
		"1e300gbit":           "rate",
		"fastmbit":            "rate",
		"10mbit,40":           "round trip time",
		"10mbit,-1ms":         "round trip time",
		"10mbit,40ms,60%":     "loss",
		"10mbit,40ms,-1%":     "loss",
		"10mbit,40ms,NaN":     "loss",
		"10mbit,1ms,1%,1":     "must be",
		"trace:no/such/trace": "open trace",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Parse(%q): %v, want an error about %q", text, err, says)
		}
	}
}

func TestParseTrace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "up.trace")
	if err := os.WriteFile(file, []byte("1\n2\n2\n\n4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Parse("trace:" + file + ",20ms")
	if err != nil || s.Trace == nil || s.RTT != 20*time.Millisecond {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := s.Trace.Rate(); got != 4*Packet*8/0.004 {
		t.Errorf("mean rate %v", got)
	}
	if s, err = Parse("lte,50ms"); err != nil || s.Trace == nil {
		t.Errorf("lte: %+v, %v", s, err)
	}
}
