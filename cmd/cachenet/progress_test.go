package main

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// jobAfter is a job that begins when so many offsets are done.
func jobAfter(t *testing.T, done int64) *session.Session {
	t.Helper()
	job := session.Open(t.Name(), 1)
	t.Cleanup(func() {
		if err := job.Close(); err != nil {
			t.Error(err)
		}
	})
	var o schemas.Offsets
	o.Add(0, done)
	job.Begin("frames", map[int32]schemas.Offsets{0: o})
	return job
}

// What a process of a group says it did is without the rows of the others, whose partitions it may get or give.
func TestProgressIsThatOfThisProcess(t *testing.T) {
	for name, c := range map[string]struct {
		share     bool
		nextBegun int64
		want      int64
	}{
		"alone, all of the last job's rows lasted":    {false, 15, 12},
		"alone, rows were lost and are written again": {false, 13, 10},
		"shared, with partitions of others":           {true, 400, 12},
		"shared, with fewer partitions":               {true, 3, 12},
	} {
		p := newProgress(io.Discard, "frames")
		p.share = c.share
		for _, job := range []struct {
			begun int64
			rows  int
		}{{10, 5}, {c.nextBegun, 7}} {
			s := jobAfter(t, job.begun)
			p.follow(s)
			s.Written(job.rows, 0)
		}
		if got := p.rows(); got != c.want {
			t.Errorf("%s: %d rows, want %d", name, got, c.want)
		}
		p.stop()
	}
}

// Elsewhere than on a terminal the last line is left out where it would say what the one before said, or that nothing happened.
func TestTheLastLineOfProgress(t *testing.T) {
	for name, c := range map[string]struct {
		done  int64 // when it ends
		after time.Duration
		want  string
	}{
		"nothing was done":              {0, time.Second, ""},
		"between two lines":             {7, 13 * time.Second, "frames: 3 after 10 s\nframes: 7 after 13 s\n"},
		"no more than a line said":      {3, 13 * time.Second, "frames: 3 after 10 s\n"},
		"before the first line was due": {7, time.Second, "frames: 7 after 1 s\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out strings.Builder
			var done atomic.Int64
			p := newProgress(&out, "frames")
			p.start(done.Load)
			if c.after > plainEvery {
				done.Store(3)
			}
			time.Sleep(c.after)
			done.Store(c.done)
			p.stop()
			if out.String() != c.want {
				t.Errorf("%s: %q, want %q", name, out.String(), c.want)
			}
		})
	}
}
