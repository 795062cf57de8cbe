package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// FrameCost is what a frame in flight takes in addition to its image, in bytes: its headers and its outcome until they are
// written, and what Go's heap grows by before it is collected. Without it small frames would pile up in their tens of
// thousands.
const FrameCost = 6 << 10

// Session is what one job shares inside this process. Its methods may be called concurrently.
type Session struct {
	id     string
	credit int64 // bytes; 0: unlimited

	inFlight atomic.Int64
	draining atomic.Pointer[time.Time] // since when
	read     atomic.Int64
	written  atomic.Int64
	begun    atomic.Int64 // offsets done before this job
	missed   atomic.Int64 // misses in flight
	spent    [stages]stageCounter
	onRows   atomic.Pointer[func([]schemas.Outcome)]
	onFrames atomic.Pointer[func([]schemas.Frame)]
	tracer   atomic.Pointer[Tracer]

	held     sync.Map // number → schemas.Run
	lastHeld atomic.Uint64
	images   images

	mu      sync.Mutex // of the fields below
	closing bool
	slots   map[string]*slot
	made    []*slot // in the order in which they were made
	making  sync.WaitGroup
	durable map[place]schemas.Offsets

	closed   chan struct{} // Close has closed every part
	closeErr error

	telling   sync.Mutex // listeners are called one at a time
	onDurable []func(Durable)
	onLost    []func(Lost)
}

// ID returns the job's id, by which [Find] finds the session.
func (s *Session) ID() string { return s.id }

// Full reports whether the source has to wait for the sink.
func (s *Session) Full() bool { return s.credit > 0 && s.inFlight.Load() >= s.credit }

// Roomy reports whether so much of the credit is free again that a source that found the session full should go on:
// a little at a time would cost the runner a bundle each.
func (s *Session) Roomy() bool { return s.credit <= 0 || s.inFlight.Load() < s.credit-s.credit/4 }

// Read tells that the source emitted frames records with that many bytes.
func (s *Session) Read(frames int, bytes int64) {
	s.read.Add(int64(frames))
	s.inFlight.Add(bytes + int64(frames)*FrameCost)
}

// Written tells that the sink took rows outcomes of frames with that many bytes.
func (s *Session) Written(rows int, bytes int64) {
	s.written.Add(int64(rows))
	s.inFlight.Add(-bytes - int64(rows)*FrameCost)
}

// Counts returns the frames emitted by the source and the rows taken by the sink so far.
func (s *Session) Counts() (read, written int64) { return s.read.Load(), s.written.Load() }

// Drain asks the source to end as if the topic ended where it has read to.
func (s *Session) Drain() {
	now := time.Now()
	s.draining.CompareAndSwap(nil, &now)
}

// Draining reports whether Drain was called.
func (s *Session) Draining() bool { return s.draining.Load() != nil }

// DrainingFor is how long ago Drain was called; -1 when it was not.
func (s *Session) DrainingFor() time.Duration {
	if since := s.draining.Load(); since != nil {
		return time.Since(*since)
	}
	return -1
}
