package models

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// supply brings nets of a depot to a session cache, one at a time, in the background. Its fields are guarded by the mutex of
// the cache.
type supply struct {
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	busy   bool // a goroutine brings nets

	names  map[string]NamedNet // every net that can be brought
	wanted map[string]time.Time
	likely string              // a net that may be needed next; empty: none
	sizes  map[string]int64    // of files that the server has told
	pauses map[string]pausing  // nets that could not be brought
	told   map[string]struct{} // nets that are larger than the budget, which was logged
}

// pausing is until when a net that could not be brought is left alone.
type pausing struct {
	until time.Time
	wait  time.Duration
}

// supplyLast is the longest pause after a net could not be brought; a download has tried for long before it fails.
const supplyLast = 10 * time.Minute

// errNoRoom refuses a net whose size was not known before.
var errNoRoom = errors.New("no room in the cache")

// stock takes in what the depot has, and removes what is not of this pack.
func (s *Sessions) stock() {
	ctx, cancel := context.WithCancel(context.Background())
	s.supply = &supply{ctx: ctx, cancel: cancel, names: map[string]NamedNet{}, wanted: map[string]time.Time{},
		sizes: map[string]int64{}, pauses: map[string]pausing{}, told: map[string]struct{}{}}
	if err := s.pack.depot.Keep(s.pack.SHAs()); err != nil {
		slog.Warn("files of other packs could not be removed from the cache", "error", err)
	}
	for _, n := range s.pack.askable() {
		s.supply.names[n.Name] = n
		if bytes, _ := s.pack.depot.Size(n.SHA256); bytes > 0 {
			s.held.Add(n.Name, bytes+sessionBytes, fixed(n.Name))
		}
	}
	for out, over := s.held.Excess(); over; out, over = s.held.Excess() {
		s.evict(out)
	}
}

// askable lists the nets that are asked by their name; the global small net may be the only specialist.
func (m Manifest) askable() (all []NamedNet) {
	m.PaperNets = nil // [Manifest.For] makes them the specialists
	if m.Small != nil && slices.ContainsFunc(m.Specialists, func(e NetEntry) bool { return e.SHA256 == m.Small.SHA256 }) {
		m.Small = nil
	}
	return m.Nets()
}

// Remote reports whether nets come to this machine when they are wanted.
func (s *Sessions) Remote() bool { return s.supply != nil }

// Want tells that frames missed because that net was not here. It is fetched and loaded in the background if there is
// room, or if it is worth more than those that would have to leave (see [lru.Cache]).
func (s *Sessions) Want(name string) {
	if s.supply == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Stalls++
	if s.loaded[name] != nil { // it came meanwhile
		return
	}
	if s.held.Has(name) {
		s.held.Use(name) // on disk, or arriving
	} else {
		s.held.Want(name)
	}
	s.supply.wanted[name] = s.now()
	s.wake()
}

// Expect tells which net may be needed next. It is brought when nothing else is wanted, and only into free room.
func (s *Sessions) Expect(name string) {
	if s.supply == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded[name] == nil {
		s.supply.likely = name
		s.wake()
	}
}

// Here reports whether a net can be asked now.
func (s *Sessions) Here(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loaded[name] != nil
}

// wake sees to it that somebody brings nets; s.mu is held.
func (s *Sessions) wake() {
	if s.supply.busy || s.supply.ctx.Err() != nil {
		return
	}
	name, spare := s.next()
	if name == "" {
		return
	}
	s.supply.busy = true
	s.supply.work.Go(func() {
		for name != "" {
			s.bring(s.supply.names[name], spare)
			s.mu.Lock()
			name, spare = s.next()
			s.supply.busy = name != ""
			s.mu.Unlock()
		}
	})
}

// next picks the net to bring: the one wanted last that may come in, or else the likely one, which only takes spare room.
// Wishes that cannot be met are dropped: frames repeat them. s.mu is held.
func (s *Sessions) next() (name string, spare bool) {
	u := s.supply
	if u.ctx.Err() != nil {
		return "", false
	}
	var last time.Time
	for one, at := range u.wanted {
		if s.loaded[one] != nil || !s.mayCome(one, false) {
			delete(u.wanted, one)
		} else if name == "" || at.After(last) || at.Equal(last) && one < name {
			name, last = one, at
		}
	}
	if name != "" {
		delete(u.wanted, name)
		return name, false
	}
	one := u.likely
	if u.likely = ""; one != "" && s.loaded[one] == nil && s.mayCome(one, true) {
		return one, true
	}
	return "", false
}

// mayCome reports whether a net that is not loaded may be brought, as far as is known; s.mu is held.
func (s *Sessions) mayCome(name string, spare bool) bool {
	n, known := s.supply.names[name]
	if !known || s.now().Before(s.supply.pauses[name].until) {
		return false
	}
	size, told := s.supply.sizes[n.SHA256]
	if s.held.Has(name) || !told {
		return true // its size is asked first
	}
	_, admitted := s.room(name, size, spare)
	return admitted
}

// room says which nets leave for one, if it may come in; s.mu is held.
func (s *Sessions) room(name string, size int64, spare bool) (leave []string, admitted bool) {
	need := size + sessionBytes
	if spare {
		return nil, s.held.Fits(need)
	}
	leave, admitted = s.held.Admit(name, need)
	if _, told := s.supply.told[name]; s.budget > 0 && need > s.budget && !told {
		s.supply.told[name] = struct{}{}
		slog.Warn("a net is larger than the cache and cannot be loaded: raise --cache-bytes", "net", name, "bytes", need, "cache_bytes", s.budget)
	}
	return leave, admitted
}

// bring fetches and loads one net.
func (s *Sessions) bring(n NamedNet, spare bool) {
	err := s.fetch(n, spare)
	if err == nil {
		err = s.install(n)
	}
	if errors.Is(err, errDamaged) { // on the disk
		slog.Warn("a damaged net is fetched again", "net", n.Name, "error", err)
		if err = s.pack.depot.Remove(n.SHA256); err == nil {
			if err = s.fetch(n, spare); err == nil {
				err = s.install(n)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		delete(s.supply.pauses, n.Name)
	case errors.Is(err, errNoRoom) || s.supply.ctx.Err() != nil:
	default:
		wait := min(max(2*s.supply.pauses[n.Name].wait, retryFirst), supplyLast)
		s.supply.pauses[n.Name] = pausing{s.now().Add(wait), wait}
		s.counts.Failures++
		slog.Warn("a net could not be fetched; retrying: until then its frames are misses", "net", n.Name, "error", err, "pause", wait)
	}
}

// fetch brings the file of a net, making room as soon as the server responds: a dead link costs no net.
func (s *Sessions) fetch(n NamedNet, spare bool) error {
	if _, whole := s.pack.depot.Size(n.SHA256); whole {
		return nil
	}
	return s.pack.depot.Fetch(s.supply.ctx, n.SHA256, func(size int64) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.supply.sizes[n.SHA256] = size
		partial := s.held.Has(n.Name)
		s.held.Remove(n.Name)
		leave, admitted := s.room(n.Name, size, spare)
		if !admitted && partial {
			s.discard(n.Name)
		}
		if !admitted {
			return errNoRoom
		}
		for _, out := range leave {
			s.evict(out)
		}
		s.held.Add(n.Name, size+sessionBytes, fixed(n.Name))
		s.thrash.load(s.now())
		return nil
	})
}

// install loads a net whose file is here, and tries it.
func (s *Sessions) install(n NamedNet) error {
	net, bytes, err := s.pack.load(n.NetEntry)
	if err != nil {
		return err
	}
	if _, err := net.Try(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", n.File, err), net.Close())
	}
	one := &session{name: n.Name, ready: make(chan struct{}), net: net, bytes: bytes + sessionBytes}
	close(one.ready)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.supply.ctx.Err() != nil || s.loaded[n.Name] != nil { // closed, or asked for meanwhile
		return net.Close()
	}
	s.loaded[n.Name] = one
	s.counts.Loads++
	s.counts.Bytes += one.bytes
	s.held.Add(n.Name, one.bytes, fixed(n.Name))
	return nil
}

// discard removes the file of a net that left, unless another one that is held shares it; s.mu is held.
func (s *Sessions) discard(name string) {
	sha := s.supply.names[name].SHA256
	for other, n := range s.supply.names {
		if n.SHA256 == sha && s.held.Has(other) {
			return
		}
	}
	if err := s.pack.depot.Remove(sha); err != nil {
		slog.Warn("a net that left the cache could not be deleted", "net", name, "error", err)
	}
}

// endSupply ends what is being brought.
func (s *Sessions) endSupply() {
	s.mu.Lock()
	s.supply.cancel() // under the mutex, so that nothing begins any more
	s.mu.Unlock()
	s.supply.work.Wait()
}
