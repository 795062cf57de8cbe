// Package monitor shows a run while it goes on, over HTTP: Prometheus metrics, health, and the page of the report.
package monitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/report/page"
	"github.com/cachenet/cachenet/schemas"
)

// closeWithin is how long requests may take to end when the monitor closes.
const closeWithin = time.Second

// Monitor serves what it sees of a run. Its methods may be called concurrently.
type Monitor struct {
	topic   string
	rows    *page.Collector
	metrics *metrics
	gallery *gallery // nil: no frames are shown
	server  *http.Server
	addr    net.Addr
	done    chan struct{} // closed when the run has ended
	end     func()        // closes done, once

	mu  sync.Mutex
	job *session.Session // the one that runs now; nil: none yet
}

// Run says what is watched.
type Run struct {
	Topic       string
	Version     string // of the program
	DeadLetters bool   // frames without an answer go to a dead-letter topic
	LiveFrames  int    // of a chosen stream, shown on the page, at most MaxLiveFrames; 0: none, and no frame is kept
}

// Start serves on addr, HOST:PORT, until Close. An address that cannot be had is an error at once.
func Start(addr string, run Run) (*Monitor, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--metrics %s: %w: name a free HOST:PORT of this machine", addr, err)
	}
	m := &Monitor{topic: run.Topic, rows: page.NewCollector(), addr: l.Addr(), done: make(chan struct{})}
	m.end = sync.OnceFunc(func() { close(m.done) })
	m.metrics = newMetrics(run, m.current)
	if run.LiveFrames > 0 {
		m.gallery = newGallery(min(run.LiveFrames, MaxLiveFrames))
	}
	m.server = &http.Server{Handler: m.routes(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = m.server.Serve(l) }() // ends when Close is called
	return m, nil
}

// Addr is where the monitor listens.
func (m *Monitor) Addr() string { return m.addr.String() }

// Follow watches a job of the run from now on; the jobs before it stay in the totals.
func (m *Monitor) Follow(job *session.Session) {
	m.mu.Lock()
	before := m.job
	m.job = job
	m.mu.Unlock()
	if before != nil {
		m.metrics.retire(before)
	}
	job.OnRows(func(rows []schemas.Outcome) {
		m.metrics.observe(rows)
		m.rows.AddAll(rows)
		if m.gallery != nil {
			m.gallery.answer(rows)
		}
	})
	if m.gallery != nil {
		m.gallery.begin()
		job.OnFrames(m.gallery.take)
	}
}

// current is the job that runs now.
func (m *Monitor) current() *session.Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.job
}

// Close tells pages that look that the run has ended, and stops serving.
func (m *Monitor) Close() error {
	m.end()
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := m.server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("close --metrics: %w", err)
	}
	return m.server.Close()
}
