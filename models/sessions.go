package models

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cachenet/cachenet/models/lru"
	"github.com/cachenet/cachenet/models/policy"
)

// Sessions caches the loaded nets of one pack, for a process: many streams share one session of a specialist, so what
// a stream "holds" is a claim on it, not a copy. A net is loaded when it is first asked. If there is a budget, the
// least recently used specialists are closed when the sessions together need more; full, selector and small stay.
// Its methods may be called concurrently.
//
// If the pack's files are in a [Depot], a specialist that is not loaded is not waited for: asking it is a
// [policy.ErrAbsent], and [Sessions.Want] has it fetched and loaded in the background. The budget then bounds what is held on
// disk too, and a specialist that leaves, leaves both.
type Sessions struct {
	pack   *Pack
	budget int64 // bytes; 0: no bound
	now    func() time.Time

	mu     sync.Mutex
	loaded map[string]*session
	held   *lru.Cache[string] // by name: the loaded nets, and with a depot also those that are only on disk
	counts SessionCounts
	thrash thrash
	supply *supply // nil: all files are here
}

// SessionCounts is what a session cache did and holds.
type SessionCounts struct {
	Loads     int64 // sessions made
	Failures  int64 // loads that failed, downloads included
	Evictions int64 // nets that left to stay within the budget
	Bytes     int64 // in memory now: files of the loaded nets, and what a session needs in addition
	Held      int64 // counted against the budget now; more than Bytes where nets are on disk and not loaded, or arriving
	Stalls    int64 // frames that missed because a net was not here
}

// sessionBytes is what a session needs in addition to its weights, with the allocator that all share.
const sessionBytes = 350 << 10

// A load that failed is tried again, less and less often: a full file table or a network drive may come back.
const (
	retryFirst = time.Second
	retryLast  = time.Minute
)

type session struct {
	name  string
	ready chan struct{} // closed when the load has ended
	net   *Net
	err   error
	bytes int64
	users int // calls in flight; an evicted net closes when the last ends
	gone  bool

	retry time.Time     // after a failed load: when to try again
	wait  time.Duration // … and how long that was
}

// NewSessions returns a cache of the pack's nets that keeps to a budget of bytes, 0 for no bound.
func NewSessions(p *Pack, budget int64) *Sessions {
	s := &Sessions{pack: p, budget: budget, now: time.Now, loaded: map[string]*session{}}
	s.held = lru.New[string](budget, func() time.Time { return s.now() })
	if p.depot != nil {
		s.stock()
	}
	return s
}

// Fixed reports whether the net never leaves a cache of sessions, since all streams need it: it is no specialist.
func (n NamedNet) Fixed() bool { return fixed(n.Name) }

func fixed(name string) bool { return name == FullNet || name == SelectorNet || name == SmallNet }

// Answer writes the answers of the net of that name and entry to dst (see [Net.Answer]), loading it first when needed,
// and returns how long the net took.
func (s *Sessions) Answer(dst []float32, name string, e NetEntry, pixels []byte, frames int) (time.Duration, error) {
	one, err := s.take(name, e)
	if err != nil {
		return 0, err
	}
	defer s.release(one)
	took, err := one.net.Answer(dst, pixels, frames)
	if err != nil {
		return took, fmt.Errorf("%s: %w", name, err)
	}
	return took, nil
}

// Load loads a net before it is asked.
func (s *Sessions) Load(name string, e NetEntry) error {
	one, err := s.take(name, e)
	if err == nil {
		s.release(one)
	}
	return err
}

// Run is Answer into a slice of its own.
func (s *Sessions) Run(name string, e NetEntry, pixels []byte, frames int) ([]float32, time.Duration, error) {
	logits := make([]float32, frames*e.Outputs(len(s.pack.Classes)))
	took, err := s.Answer(logits, name, e, pixels, frames)
	return logits, took, err
}

// take returns the loaded net of that name, held until it is released.
func (s *Sessions) take(name string, e NetEntry) (*session, error) {
	s.mu.Lock()
	one, fresh := s.loaded[name], false
	if s.supply != nil && one == nil && (!fixed(name) || !s.pack.here(e)) {
		s.mu.Unlock()
		return nil, policy.ErrAbsent
	}
	if one != nil && one.failed() && s.now().Before(one.retry) {
		s.mu.Unlock()
		return nil, one.err
	}
	if one == nil || one.failed() {
		one, fresh = s.begin(name, one), true
	}
	one.users++ // before anybody may evict it
	s.mu.Unlock()
	if fresh {
		s.load(one, e)
	}
	<-one.ready
	if one.err != nil {
		s.release(one)
		return nil, one.err
	}
	s.mu.Lock()
	s.touch(one)
	s.mu.Unlock()
	return one, nil
}

func (one *session) failed() bool {
	select {
	case <-one.ready:
		return one.err != nil
	default:
		return false
	}
}

// begin registers a net that is about to be loaded; before is its failed load, nil for none. s.mu is held.
func (s *Sessions) begin(name string, before *session) *session {
	one := &session{name: name, ready: make(chan struct{}), wait: retryFirst}
	if before != nil {
		one.wait = min(2*before.wait, retryLast)
	}
	s.loaded[name] = one
	return one
}

func (s *Sessions) load(one *session, e NetEntry) {
	net, bytes, err := s.pack.load(e)
	s.mu.Lock()
	one.net, one.bytes, one.err = net, bytes+sessionBytes, err
	if err != nil {
		one.retry = s.now().Add(one.wait)
		s.counts.Failures++
	} else {
		s.counts.Loads++
		s.counts.Bytes += one.bytes
		if fixed(one.name) {
			s.held.Add(one.name, one.bytes, true)
		}
	}
	s.mu.Unlock()
	close(one.ready)
}

// touch makes a net the most recently used one, and closes others while they need more than the budget. s.mu is held.
func (s *Sessions) touch(one *session) {
	if one.gone || fixed(one.name) {
		return
	}
	if !s.held.Has(one.name) {
		s.held.Add(one.name, one.bytes, false)
		s.thrash.load(s.now())
	}
	s.held.Use(one.name)
	for out, over := s.held.Excess(); over; out, over = s.held.Excess() {
		s.evict(out)
	}
}

// evict closes a net; s.mu is held.
func (s *Sessions) evict(name string) {
	s.held.Remove(name)
	s.counts.Evictions++
	if out := s.loaded[name]; out != nil {
		delete(s.loaded, name)
		out.gone = true
		s.counts.Bytes -= out.bytes
		out.closeIfIdle()
	}
	if s.supply != nil {
		s.discard(name)
	}
	if s.thrash.evict(s.now()) {
		slog.Warn("specialists are repeatedly evicted and reloaded: they do not fit into the memory limit; raise it, or use a pack with fewer specialists",
			"bytes", s.budget, "loads", s.counts.Loads, "evictions", s.counts.Evictions)
	}
}

func (s *Sessions) release(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.users--
	one.closeIfIdle()
}

// closeIfIdle frees an evicted net that is no longer in use; nothing can be done about an error of ONNX Runtime then.
func (one *session) closeIfIdle() {
	if one.gone && one.users == 0 && one.net != nil {
		_ = one.net.Close()
		one.net = nil
	}
}

// Counts returns what the cache did so far and holds now.
func (s *Sessions) Counts() SessionCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.counts
	counts.Held = s.held.Bytes()
	return counts
}

// thrash notices when sessions are evicted and loaded all the time.
type thrash struct {
	since  time.Time
	evicts int
	told   time.Time
}

// How many evictions within thrashWindow are too many, and how often that is logged.
const (
	thrashWindow = 10 * time.Second
	thrashMost   = 20
	thrashTell   = time.Minute
)

func (t *thrash) load(now time.Time) {
	if now.Sub(t.since) > thrashWindow {
		t.since, t.evicts = now, 0
	}
}

// evict counts an eviction and reports whether it is time to tell.
func (t *thrash) evict(now time.Time) bool {
	if t.evicts++; t.evicts < thrashMost || !t.told.IsZero() && now.Sub(t.told) < thrashTell {
		return false
	}
	t.told = now
	return true
}

// Close closes every net; one that is in use closes when its last call ends. The cache can still be used, and loads again
// what need not be fetched.
func (s *Sessions) Close() {
	if s.supply != nil {
		s.endSupply()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.loaded {
		delete(s.loaded, name)
		if s.supply == nil { // else it stays on the disk
			s.held.Remove(name)
		}
		one.gone = true
		s.counts.Bytes -= one.bytes
		one.closeIfIdle()
	}
}
