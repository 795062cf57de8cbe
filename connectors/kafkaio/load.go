package kafkaio

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

// loadEvery is over how long the load is measured at least.
const loadEvery = 200 * time.Millisecond

// load measures which share of its cores this process uses.
type load struct {
	used func() time.Duration // processor time of this process so far

	mu   sync.Mutex
	at   time.Time     // of the last measurement
	then time.Duration // used by then
	last float64
}

// share returns the share of the last period that was measured, 0 to 1; 0 before the first one has ended.
func (l *load) share() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	past := now.Sub(l.at)
	if past < loadEvery {
		return l.last
	}
	used := l.used()
	if !l.at.IsZero() {
		l.last = float64(used-l.then) / float64(past) / float64(runtime.NumCPU())
	}
	l.at, l.then = now, used
	return l.last
}

// processTime is the processor time of this process, the nets' threads included.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // only on a system without it
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
