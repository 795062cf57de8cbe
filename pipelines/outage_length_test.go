package pipelines

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// away is a full model that does not answer for a while: calls that begin then end only when it is back.
type away struct {
	state    atomic.Pointer[chan struct{}]
	answered atomic.Int64 // calls
}

func (a *away) begin() (end func()) {
	back := make(chan struct{})
	a.state.Store(&back)
	return func() {
		a.state.Store(nil)
		close(back)
	}
}

// answer is a stand-in for the full model of the pack of four colours: it names the brightest channel.
func (a *away) answer(pixels []byte, frames int) ([]float32, time.Duration, error) {
	if back := a.state.Load(); back != nil {
		<-*back
	}
	logits := make([]float32, 4*frames)
	for i := range frames {
		rgb := pixels[i*len(pixels)/frames:][:3]
		logits[4*i+slices.Index(rgb, slices.Max(rgb))] = 9
	}
	a.answered.Add(1)
	return logits, 0, nil
}

// While frames flow, the full model is away and comes back. No frame is lost, provisional answers are as fast as before,
// and afterwards the full model answers again. It lasts one second, or as long as CACHENET_TEST_AWAY says (60s): then the
// latencies are printed, which docs/trust.md shows.
func TestFramesFlowWhileTheFullModelIsAway(t *testing.T) {
	lasts := time.Second
	if text := os.Getenv("CACHENET_TEST_AWAY"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, 2)
	o := s.options(t)
	o.UntilEnd = false
	o.Full, o.Provisional, o.FullTimeout, o.OutcomesTopic = FullTransform, true, 200*time.Millisecond, s.topic+"-outcomes"
	full := &away{}
	var last atomic.Pointer[session.Session]
	started := make(chan struct{}, 10)
	o.Started = func(job *session.Session) {
		if err := transforms.AnswerMissesWith(job, full.answer); err != nil {
			t.Error(err)
		}
		last.Store(job)
		started <- struct{}{}
	}
	ctx, drain := context.WithCancel(t.Context())
	defer drain()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	select {
	case <-started:
	case err := <-ended:
		t.Fatalf("ended at once: %v", err)
	}
	// flow sends frames for a time, and until some of them have rows and the full model has answered so many calls: on a busy
	// machine that takes longer.
	flow := func(d time.Duration, calls int64) {
		begun, rows := time.Now(), int64(s.sent)+20
		calls += full.answered.Load()
		for time.Since(begun) < d || last.Load().Progress() < rows || full.answered.Load() < calls {
			if time.Since(begun) > d+2*time.Minute {
				t.Fatalf("%d rows of %d frames, %d calls answered", last.Load().Progress(), s.sent, full.answered.Load())
			}
			s.send(t, "cam-1", "pale", "red")
			s.send(t, "cam-2", "green", "pale")
			time.Sleep(20 * time.Millisecond)
		}
	}
	flow(lasts/2, 1)
	gone := time.Now()
	end := full.begin()
	flow(lasts, 0)
	end()
	back := time.Now()
	flow(lasts/2, 3)
	await(t, func() bool { return last.Load().Progress() == int64(s.sent) })
	drain()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s.tellOutage(t, o, gone, back)
}

// tellOutage checks the rows and prints the latencies of provisional answers before, during and after.
func (s *site) tellOutage(t *testing.T, o Options, gone, back time.Time) {
	t.Helper()
	degraded, settledAfter := 0, 0
	for _, r := range s.rows(t, o.Out) {
		switch {
		case r.Outcome == schemas.Error:
			t.Fatalf("%+v", r)
		case r.Degraded:
			degraded++
		case r.Outcome == schemas.Miss && r.EventTime.After(back):
			settledAfter++
		}
	}
	if degraded == 0 || settledAfter == 0 {
		t.Errorf("%d degraded rows, %d misses that the full model answered once it was back", degraded, settledAfter)
	}
	var latencies [3][]int64
	for _, m := range s.records(t, o.OutcomesTopic) {
		var r schemas.Outcome
		if err := json.Unmarshal(m.Value, &r); err != nil {
			t.Fatal(err)
		}
		if r.Pending {
			at := 0
			if r.EventTime.After(gone) {
				at++
			}
			if r.EventTime.After(back) {
				at++
			}
			latencies[at] = append(latencies[at], m.Time.Sub(r.EventTime).Milliseconds())
		}
	}
	for i, when := range []string{"before", "while it is away", "after"} {
		l := latencies[i]
		if len(l) == 0 {
			t.Fatalf("no provisional answer %s", when)
		}
		slices.Sort(l)
		t.Logf("%s: %d provisional answers, p50 %d ms, p99 %d ms, longest %d ms", when, len(l), l[len(l)/2], l[len(l)*99/100], l[len(l)-1])
	}
	t.Logf("%d frames, %d degraded", s.sent, degraded)
}
