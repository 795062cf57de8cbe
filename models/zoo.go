package models

import (
	"container/list"
	"fmt"
	"sync"
	"time"
)

// Zoo keeps the nets of one pack that a process has loaded. Full, selector and small stay; specialists
// leave, least recently used first, when they are more than the limit. Many streams share one session
// of a specialist, so what a stream "holds" is a claim on it, not a copy.
type Zoo struct {
	pack  *Pack
	limit int // specialists in memory

	mu     sync.Mutex
	loaded map[string]*resident
	order  *list.List // of names of specialists, most recent first

	loads, evictions int64
}

type resident struct {
	once  sync.Once
	net   *Net
	err   error
	users int // calls under way; an evicted net closes when the last ends
	gone  bool
	at    *list.Element
}

// NewZoo returns a zoo of the pack with room for limit specialists (0: all of them).
func NewZoo(p *Pack, limit int) *Zoo {
	if limit <= 0 {
		limit = len(p.Specialists)
	}
	return &Zoo{pack: p, limit: limit, loaded: map[string]*resident{}, order: list.New()}
}

// Run answers frames with the net of that name and entry, loading it first when needed, and tells how
// long the net took.
func (z *Zoo) Run(name string, e NetEntry, pixels []byte, frames int) ([]float32, time.Duration, error) {
	r := z.take(name)
	defer z.release(r)
	r.once.Do(func() { r.net, r.err = z.pack.Load(e) })
	if r.err != nil {
		return nil, 0, r.err
	}
	logits, took, err := r.net.timed(pixels, frames)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return logits, took, nil
}

func (z *Zoo) take(name string) *resident {
	z.mu.Lock()
	defer z.mu.Unlock()
	r, ok := z.loaded[name]
	if !ok {
		r = &resident{}
		z.loaded[name] = r
		z.loads++
	}
	r.users++
	if name != FullNet && name != SelectorNet && name != SmallNet {
		z.touch(name, r)
	}
	return r
}

func (z *Zoo) touch(name string, r *resident) {
	if r.at == nil {
		r.at = z.order.PushFront(name)
	}
	z.order.MoveToFront(r.at)
	for z.order.Len() > z.limit {
		oldest := z.order.Remove(z.order.Back()).(string)
		out := z.loaded[oldest]
		delete(z.loaded, oldest)
		z.evictions++
		out.gone = true
		out.closeIfIdle()
	}
}

func (z *Zoo) release(r *resident) {
	z.mu.Lock()
	defer z.mu.Unlock()
	r.users--
	r.closeIfIdle()
}

// closeIfIdle frees an evicted net that nobody uses; ONNX Runtime's error is of no use to anyone then.
func (r *resident) closeIfIdle() {
	if r.gone && r.users == 0 && r.net != nil {
		_ = r.net.Close()
		r.net = nil
	}
}

// Counts returns how many sessions were loaded and how many specialists were evicted so far.
func (z *Zoo) Counts() (loads, evictions int64) {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.loads, z.evictions
}
