package kafkaio

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
)

// Bundles begin at a pace where frames keep coming; the first frame after a silence does not wait, nor does a drain.
func TestBundlesBeginAtAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := session.Open("pace", 0)
		var used time.Duration
		s := &source{job: job, load: load{used: func() time.Duration { return used }}}
		waited := func() time.Duration {
			begun := time.Now()
			s.gather()
			return time.Since(begun)
		}
		if d := waited(); d != 0 {
			t.Errorf("the first bundle waits %v", d)
		}
		s.emitted.Store(time.Now().UnixNano())
		if d := waited(); d != pace {
			t.Errorf("the next one waits %v, want %v", d, pace)
		}
		for _, c := range []struct {
			share float64 // of the cores, used since the last bundle
			want  time.Duration
		}{{0.9 * busy, pace}, {1.1 * busy, 2 * pace}, {0.1, pace}} {
			time.Sleep(loadEvery)
			used += time.Duration(c.share * float64(loadEvery+pace) * float64(runtime.NumCPU()))
			s.emitted.Store(time.Now().UnixNano())
			if d := waited(); d != c.want {
				t.Errorf("with %.0f %% of the cores in use it waits %v, want %v", 100*c.share, d, c.want)
			}
		}
		time.Sleep(pace)
		if d := waited(); d != 0 {
			t.Errorf("one after a silence waits %v", d)
		}
		s.emitted.Store(time.Now().UnixNano())
		job.Drain()
		if d := waited(); d != 0 {
			t.Errorf("one of a job that drains waits %v", d)
		}
		if err := job.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
