package transforms

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// lookupOf is a Lookup of a job that has a Memory.
func lookupOf(t *testing.T, job *session.Session) (*lookupFn, *Memory) {
	t.Helper()
	m, err := Remember(job, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Inline })
	fn := &lookupFn{Model: Model{PackDir: colours, Policy: n.policy.Settings, Global: true, Job: job.ID()}}
	if err := fn.Setup(); err != nil {
		t.Fatal(err)
	}
	return fn, m
}

// sink gathers what a Lookup emits.
type sink struct {
	rows []schemas.Outcome
	at   []beam.EventTime
}

func (s *sink) settled(at beam.EventTime, o schemas.Outcomes) {
	s.rows, s.at = append(s.rows, o.Rows...), append(s.at, at)
}

func (s *sink) missed(beam.EventTime, schemas.MissedRun) {}

// Where the job remembers streams, what a bundle brought of all of them is looked at together, at its end, and their
// states are kept.
func TestABundleIsLookedAtTogether(t *testing.T) {
	job := session.Open("together", 1<<20)
	defer job.Close()
	fn, m := lookupOf(t, job)
	var out sink
	ctx := context.Background()
	at := mtime.FromTime(time.Unix(1000, 0))
	fn.StartBundle(ctx, out.settled, out.missed)
	for i, stream := range []string{"a", "b", "a", "c"} {
		f := pixel(int64(i), 250, 5, 5)
		f.Stream = stream
		if err := fn.ProcessElement(ctx, at, nil, stream, job.Hold(schemas.Run{Frames: []schemas.Frame{f}}), out.settled, out.missed); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.rows) != 0 || len(fn.strands) != 3 {
		t.Fatalf("%d rows before the end of the bundle, %d streams gathered, want 0 and 3", len(out.rows), len(fn.strands))
	}
	if err := fn.FinishBundle(ctx, out.settled, out.missed); err != nil {
		t.Fatal(err)
	}
	if len(out.rows) != 4 || len(out.at) != 1 || out.at[0] != at {
		t.Errorf("%d rows at %v, want 4 at the time of the elements", len(out.rows), out.at)
	}
	for stream, last := range map[string]int64{"a": 2, "b": 1, "c": 3} {
		var st policy.State
		if err := m.recall(stream, &st); err != nil || st.Offset != last {
			t.Errorf("stream %s remembers offset %d, error %v; want %d", stream, st.Offset, err, last)
		}
	}
	if err := fn.FinishBundle(ctx, out.settled, out.missed); err != nil || len(out.rows) != 4 {
		t.Errorf("an empty bundle: %d rows, error %v", len(out.rows), err)
	}
}

// Where somebody waits for outcomes, hits leave before the full model is asked about other frames of the bundle.
func TestHitsOfABundleAreEmittedFirst(t *testing.T) {
	for _, early := range []bool{false, true} {
		job := session.Open("early", 1<<20)
		defer job.Close()
		fn, _ := lookupOf(t, job)
		fn.Model.Early = early
		ctx, at := context.Background(), mtime.FromTime(time.Unix(1000, 0))
		for bundle := range int64(2) { // the first one teaches the streams red
			var out sink
			fn.StartBundle(ctx, out.settled, out.missed)
			for i := range leastEarly + 1 {
				f := pixel(bundle, 250, 5, 5)
				if f.Stream = strconv.Itoa(i); i == 0 && bundle == 1 {
					f.Image = []byte{120, 125, 120}
				}
				if err := fn.ProcessElement(ctx, at, nil, f.Stream, job.Hold(schemas.Run{Frames: []schemas.Frame{f}}), out.settled, out.missed); err != nil {
					t.Fatal(err)
				}
			}
			if err := fn.FinishBundle(ctx, out.settled, out.missed); err != nil {
				t.Fatal(err)
			}
			elements := 1
			if early && bundle == 1 {
				elements = 2
			}
			missLast := out.rows[len(out.rows)-1].Stream == "0"
			if len(out.rows) != leastEarly+1 || len(out.at) != elements || elements == 2 && !missLast {
				t.Errorf("early %v, bundle %d: %d rows in %d elements, the last one of stream %s", early, bundle, len(out.rows), len(out.at), out.rows[len(out.rows)-1].Stream)
			}
			for _, r := range out.rows {
				if r.LatencyUs <= 0 {
					t.Errorf("stream %s: a row without its latency", r.Stream)
				}
			}
		}
	}
}

// Frames of a bundle that failed are not looked at in the next one: they come again.
func TestAFailedBundleLeavesNothingBehind(t *testing.T) {
	job := session.Open("failed", 1<<20)
	defer job.Close()
	fn, _ := lookupOf(t, job)
	var out sink
	ctx := context.Background()
	if err := fn.ProcessElement(ctx, 0, nil, "a", job.Hold(schemas.Run{Frames: []schemas.Frame{pixel(0, 250, 5, 5)}}), out.settled, out.missed); err != nil {
		t.Fatal(err)
	}
	fn.StartBundle(ctx, out.settled, out.missed)
	if err := fn.FinishBundle(ctx, out.settled, out.missed); err != nil || len(out.rows) != 0 {
		t.Errorf("%d rows, error %v", len(out.rows), err)
	}
}

// A bundle of many frames is looked at in parts, so that memory stays bounded.
func TestALargeBundleIsLookedAtInParts(t *testing.T) {
	job := session.Open("large", 1<<30)
	defer job.Close()
	fn, _ := lookupOf(t, job)
	var out sink
	ctx := context.Background()
	frames := make([]schemas.Frame, gatherFrames)
	for i := range frames {
		frames[i] = pixel(int64(i), 250, 5, 5)
	}
	if err := fn.ProcessElement(ctx, 0, nil, "a", job.Hold(schemas.Run{Frames: frames}), out.settled, out.missed); err != nil {
		t.Fatal(err)
	}
	if len(out.rows) != gatherFrames || len(fn.strands) != 0 {
		t.Errorf("%d rows, %d streams still gathered", len(out.rows), len(fn.strands))
	}
}
