package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A build says what it does, how much it has simulated and how fast, also during a long step.
func TestPlayedTellsHowFarABuildIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newPlayed(&out)
		p.step("tune 1 of 2: a")
		p.frames.Add(20_000_000)
		time.Sleep(plainEvery + time.Second)
		p.step("tune 2 of 2: b")
		p.stop()
		want := []string{
			"tune 1 of 2: a",
			"… tune 1 of 2: a (after 10 s: 20.0 million frames simulated, 2.00 million/s)",
			"tune 2 of 2: b (after 11 s: 20.0 million frames simulated, 1.82 million/s)",
		}
		if got := strings.TrimSpace(out.String()); got != strings.Join(want, "\n") {
			t.Errorf("shown:\n%s", got)
		}
	})
}
