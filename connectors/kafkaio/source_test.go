package kafkaio

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// Bundles begin at a pace where frames keep coming; the first frame after a silence does not wait, nor does a drain.
func TestBundlesBeginAtAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := session.Open("pace", 0)
		s := &source{job: job}
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
		many := newQueue(0, 1<<20, 1<<10, make(chan struct{}, 1))
		many.push(make([]schemas.Frame, busy*runtime.NumCPU()), 0)
		s.fetchers = map[int32]*fetcher{0: {queue: many}}
		s.emitted.Store(time.Now().UnixNano())
		if d := waited(); d != pace {
			t.Errorf("with as many frames as are few, it waits %v, want %v", d, pace)
		}
		many.push(make([]schemas.Frame, 1), 0)
		s.emitted.Store(time.Now().UnixNano())
		if d := waited(); d != 2*pace {
			t.Errorf("with many frames it waits %v, want %v", d, 2*pace)
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
