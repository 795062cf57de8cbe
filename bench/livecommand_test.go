package main

import (
	"testing"
	"time"
)

func TestBuildsAreNamed(t *testing.T) {
	all, err := plan{Cachenet: "bin/cachenet", Also: []string{"before=/tmp/a=b"}}.builds()
	if err != nil || len(all) != 2 || all[0] != [2]string{"run", "bin/cachenet"} || all[1] != [2]string{"before", "/tmp/a=b"} {
		t.Errorf("builds %v, error %v", all, err)
	}
	if _, err := (plan{Also: []string{"/tmp/a"}}).builds(); err == nil {
		t.Error("a build without a name is accepted")
	}
}

// A summary holds the median of the rounds' own quantiles and costs, not those of all frames together.
func TestSummaryIsOfRounds(t *testing.T) {
	round := func(hit, miss float64, cpu time.Duration) waits {
		n := waits{hit: []float64{hit}, miss: []float64{miss}, sent: 1000, first: time.Second, broker: cpu / 2, bench: cpu / 4}
		n.used.CPU, n.used.RSS = cpu, 3e6
		return n
	}
	r := summary(100, []waits{round(10, 20, 400*time.Millisecond), round(30, 60, 800*time.Millisecond), round(11, 90, 440*time.Millisecond)})
	for name, got := range map[string][2]float64{
		"hit p50": {r.HitP50.Median, 11}, "hit p99, highest": {r.HitP99.High, 30}, "miss p50": {r.MissP50.Median, 60}, "miss p99, lowest": {r.MissP99.Low, 20},
		"processor time": {r.CPUUs.Median, 440}, "of the broker": {r.BrokerUs.Median, 220}, "of the bench": {r.BenchUs.Median, 110},
		"memory": {r.RSSMB.Median, 3}, "first row": {r.FirstRowS.Median, 1}, "frames": {float64(r.Frames), 1000},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, want %v", name, got[0], got[1])
		}
	}
}
