package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// What a run takes that is watched, in processor time, as a ratio to the same run unwatched just before (make
// bench-watching). It fails only if a run does.
func TestWhatWatchingCosts(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("CACHENET_BENCH_WATCHING"))
	if err != nil {
		t.Skip("NOT RUN, see make bench-watching: it measures")
	}
	const streams, frames = 48, 400
	addr := embedded(t)
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", strconv.Itoa(streams), "--frames", strconv.Itoa(frames))
	_, traces := received(t)
	ways := []string{"unwatched", "traces", "metrics", "metrics and a page"}
	whole, idle := map[string][]float64{}, map[string][]float64{}
	for round := range rounds {
		for i := range ways {
			way := ways[(i+round)%len(ways)] // none is always first
			out := filepath.Join(t.TempDir(), way)
			whole[way] = append(whole[way], watched(t, way, addr, out, traces))
			idle[way] = append(idle[way], watched(t, way, addr, out, traces)) // nothing is left to read: start and end
		}
	}
	for _, way := range ways {
		ratios := make([]float64, rounds)
		for i := range ratios {
			ratios[i] = (whole[way][i] - idle[way][i]) / (whole["unwatched"][i] - idle["unwatched"][i])
		}
		slices.Sort(ratios)
		slices.Sort(whole[way])
		slices.Sort(idle[way])
		t.Logf("%-20s %6.1f µs a frame, median; ratio %.3f (%.3f to %.3f); start and end %.2f s", way,
			(whole[way][rounds/2]-idle[way][rounds/2])/(streams*frames)*1e6, ratios[rounds/2], ratios[0], ratios[rounds-1], idle[way][rounds/2])
	}
}

// watched runs the pipeline to the end of the topic and returns the processor time, in seconds.
func watched(t *testing.T, way, addr, out, traces string) float64 {
	t.Helper()
	args := []string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", filepath.Join("..", "..", defaultPack), "--out", out, "--until-end"}
	switch way {
	case "traces":
		args = append(args, "--otel-endpoint", traces)
	case "metrics", "metrics and a page":
		at := "127.0.0.1:" + freePort(t)
		args = append(args, "--metrics", at)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go readOn(ctx, "http://"+at+"/metrics")
		if way != "metrics" {
			go readOn(ctx, "http://"+at+"/events")
		}
	}
	p := start(t, args...)
	if code := p.exit(t); code != 0 {
		t.Fatalf("%s: exit code %d: %s", way, code, p.said(t))
	}
	return (p.ProcessState.UserTime() + p.ProcessState.SystemTime()).Seconds()
}

// readOn reads an address once a second, or as long as it sends something.
func readOn(ctx context.Context, address string) {
	for ctx.Err() == nil {
		if r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil); err == nil {
			if answer, err := http.DefaultClient.Do(r); err == nil {
				_, _ = io.Copy(io.Discard, answer.Body) // the run may end
				_ = answer.Body.Close()
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}
