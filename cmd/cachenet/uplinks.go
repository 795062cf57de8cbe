package main

import (
	"sync"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/session"
)

// uplinkWatch sums what passes between a device and its server over the jobs of a run.
type uplinkWatch struct {
	mu     sync.Mutex
	before kafkaio.UplinkCounts // in the jobs that have ended
	last   *session.Session
}

func (w *uplinkWatch) follow(job *session.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil {
		if c, ok := kafkaio.Uplink(w.last); ok {
			w.before.Merge(c)
		}
	}
	w.last = job
}

// summary returns the sum; nil where there is no server.
func (w *uplinkWatch) summary() *kafkaio.UplinkCounts {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return nil
	}
	c, ok := kafkaio.Uplink(w.last)
	if !ok {
		return nil
	}
	all := w.before
	all.Merge(c)
	return &all
}
