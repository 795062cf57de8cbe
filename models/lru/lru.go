// Package lru decides which nets a process holds within a number of bytes: the least recently used leaves, and a net that
// is not held may only push others out when it was needed twice since they were last used. One odd frame therefore
// evicts nothing, and nets that are needed in turn do not push each other out all the time.
//
// The test is the idea of TinyLFU (Einziger, Friedman, Manes, ACM Transactions on Storage 13(4), 2017: a newcomer has to be
// worth more than whom it replaces) with the measure of LRU-2 (O'Neil, O'Neil, Weikum, "The LRU-K page replacement
// algorithm", SIGMOD 1993: the time of the last reference but one). As there, references within a short period count as
// one: frames come in runs.
package lru

import (
	"container/list"
	"time"
)

// Correlated is the period within which repeated wants of a key count as one.
const Correlated = 100 * time.Millisecond

// Cache is the bookkeeping of what is held; it does not hold anything itself. It is not safe for concurrent use.
type Cache[K comparable] struct {
	budget int64
	now    func() time.Time
	bytes  int64
	order  *list.List // of *entry[K], most recently used first
	held   map[K]*list.Element
	wants  map[K]wants
}

type entry[K comparable] struct {
	key   K
	bytes int64
	fixed bool
	used  time.Time
}

// wants are the last two times at which a key that is not held was wanted, more than Correlated apart.
type wants struct{ last, before time.Time }

// New returns an empty cache of that many bytes, 0 for no bound.
func New[K comparable](budget int64, now func() time.Time) *Cache[K] {
	return &Cache[K]{budget: budget, now: now, order: list.New(), held: map[K]*list.Element{}, wants: map[K]wants{}}
}

// Bytes is what is held.
func (c *Cache[K]) Bytes() int64 { return c.bytes }

// Has reports whether a key is held.
func (c *Cache[K]) Has(key K) bool { return c.held[key] != nil }

// Use makes a held key the most recently used one.
func (c *Cache[K]) Use(key K) {
	if at := c.held[key]; at != nil {
		at.Value.(*entry[K]).used = c.now()
		c.order.MoveToFront(at)
	}
}

// Want notes that a key is needed that is not held.
func (c *Cache[K]) Want(key K) {
	w, now := c.wants[key], c.now()
	if w.last.IsZero() || now.Sub(w.last) >= Correlated {
		c.wants[key] = wants{last: now, before: w.last}
	}
}

// Fits reports whether that many bytes more fit.
func (c *Cache[K]) Fits(bytes int64) bool { return c.budget <= 0 || c.bytes+bytes <= c.budget }

// Admit reports whether a key that is not held, of that many bytes, may come in, and which keys have to leave for it. It
// changes nothing.
func (c *Cache[K]) Admit(key K, bytes int64) (leave []K, admitted bool) {
	since, missing := c.wants[key].before, c.bytes+bytes-c.budget
	if c.Fits(bytes) {
		return nil, true
	}
	for at := c.order.Back(); at != nil && missing > 0; at = at.Prev() {
		e := at.Value.(*entry[K])
		if e.fixed {
			continue
		}
		if !e.used.Before(since) {
			return nil, false
		}
		leave, missing = append(leave, e.key), missing-e.bytes
	}
	return leave, missing <= 0
}

// Add holds a key from now on, as the most recently used one; fixed keys never leave. Adding a held key changes its bytes.
func (c *Cache[K]) Add(key K, bytes int64, fixed bool) {
	c.Remove(key)
	delete(c.wants, key)
	c.held[key] = c.order.PushFront(&entry[K]{key: key, bytes: bytes, fixed: fixed, used: c.now()})
	c.bytes += bytes
}

// Remove holds a key no longer.
func (c *Cache[K]) Remove(key K) {
	at := c.held[key]
	if at == nil {
		return
	}
	c.bytes -= c.order.Remove(at).(*entry[K]).bytes
	delete(c.held, key)
}

// Excess returns the least recently used key of a cache that holds more than its bytes; false where it does not, or where
// nothing can leave except the key used last.
func (c *Cache[K]) Excess() (key K, over bool) {
	if c.Fits(0) {
		return key, false
	}
	var oldest *entry[K]
	others := 0
	for at := c.order.Back(); at != nil; at = at.Prev() {
		if e := at.Value.(*entry[K]); !e.fixed {
			if oldest == nil {
				oldest = e
			}
			others++
		}
	}
	if others < 2 {
		return key, false
	}
	return oldest.key, true
}
