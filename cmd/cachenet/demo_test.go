package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/pipelines"
	"github.com/cachenet/cachenet/report"
)

// smallDemo is a demo of a few frames with the bundled pack.
func smallDemo(t *testing.T) *demo {
	t.Helper()
	d := &demo{out: io.Discard, pipeline: pipelines.Run}
	d.look.size = "32x32"
	d.options.Out, d.options.Pack = t.TempDir()+"/out", filepath.Join("..", "..", defaultPack)
	d.production.partitions, d.production.streams, d.production.rate = 3, 6, 100
	d.production.schedule.Frames, d.production.schedule.Active, d.production.schedule.Dwell, d.production.schedule.Seed = 40, 3, 20, 1
	return d
}

// checkDemo fails unless the demo's report has every frame once, live and replayed by each policy.
func checkDemo(t *testing.T, d *demo) {
	t.Helper()
	s, err := report.Read(t.Context(), d.options.Out)
	if err != nil {
		t.Fatal(err)
	}
	want := int64(d.production.streams * d.production.schedule.Frames)
	if s.Baselines == nil || s.Baselines.FullOnly == nil || s.Baselines.SmallOnly == nil || s.Replay == nil {
		t.Fatalf("the report lacks replays: %+v", s)
	}
	for name, m := range map[string]report.Measures{"live": s.Measures, "replay": *s.Replay, "full": *s.Baselines.FullOnly, "small": *s.Baselines.SmallOnly} {
		if m.Frames != want {
			t.Errorf("%s: %d frames, want %d", name, m.Frames, want)
		}
	}
}

func TestTheDemoFromEndToEnd(t *testing.T) {
	d := smallDemo(t)
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkDemo(t, d)
}

// Rendering takes ten seconds: a faulty pack is reported before it.
func TestTheDemoChecksThePackFirst(t *testing.T) {
	d := smallDemo(t)
	var said strings.Builder
	d.out, d.options.Pack = &said, t.TempDir()
	if err := d.run(t.Context()); err == nil || !strings.Contains(err.Error(), "manifest.json") || said.Len() > 0 {
		t.Errorf("%v, after %q", err, said.String())
	}
}

// A live job that is lost midway is followed by one that resumes, and the demo waits for the rows of both.
func TestTheDemoSurvivesALostJob(t *testing.T) {
	d := smallDemo(t)
	d.production.schedule.Frames = 120 // published for longer than the first job lives
	d.pipeline = func(ctx context.Context, o pipelines.Options) error {
		if o.UntilEnd {
			return pipelines.Run(ctx, o)
		}
		first, lose := context.WithCancel(ctx)
		defer lose()
		outer := o.Started
		inner := o
		inner.Started = func(job *session.Session) {
			outer(job)
			go func() {
				for _, written := job.Counts(); written < 50 && first.Err() == nil; _, written = job.Counts() {
					time.Sleep(time.Millisecond)
				}
				lose()
			}()
		}
		if err := pipelines.Run(first, inner); err != nil {
			return err
		}
		err := pipelines.Run(ctx, o)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // on a slow machine the first job has written all rows, and the demo ends before this one starts
		}
		return err
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Minute, errors.New("the demo hangs"))
	defer cancel()
	if err := d.run(ctx); err != nil {
		t.Fatal(err)
	}
	checkDemo(t, d)
}
