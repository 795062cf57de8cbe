package kafkaio

import (
	"slices"
	"time"
)

// kept notes where the server's broker holds a batch that it acknowledged.
func (a *asks) kept(batch []*ask, partition int32, first int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, k := range batch {
		k.kept, k.partition, k.offset = true, partition, first+int64(i)
	}
	a.counts.Sent += int64(len(batch))
}

// lost sends those again that the misses topic does not hold any more: it was recreated, or retention deleted them before the
// server answered. Others stay: the server will come to them.
func (a *asks) lost(held []Partition) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	bounds := make(map[int32]Partition, len(held))
	for _, p := range held {
		bounds[p.ID] = p
	}
	n := 0
	for _, k := range a.pending {
		if p := bounds[k.partition]; k.kept && !k.queued && (k.offset < p.First || k.offset >= p.End) {
			a.requeue(k)
			n++
		}
	}
	return n
}

// doubtful returns the frame that waits longest of those that the broker holds, as far as is known, when it is time to look whether that is true:
// the topic may have been deleted, recreated and filled beyond its offset. It is looked for after 30 s, and again each time that its wait has doubled.
func (a *asks) doubtful(now time.Time) (origin string, partition int32, offset int64, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var oldest *ask
	for _, k := range a.pending {
		if k.kept && !k.queued && (oldest == nil || k.since.Before(oldest.since)) {
			oldest = k
		}
	}
	if oldest == nil {
		return "", 0, 0, false
	}
	waited := now.Sub(oldest.since)
	if waited < max(recheckEvery, 2*oldest.looked) {
		return "", 0, 0, false
	}
	oldest.looked = waited
	return oldest.origin, oldest.partition, oldest.offset, true
}

// requeue expects that a is locked.
func (a *asks) requeue(k *ask) {
	k.queued, k.kept, k.looked = true, false, 0
	a.queue = append(a.queue, k)
	a.counts.Resent++
	signal(a.work)
}

// compact drops what is settled from the queue once that is most of it: while the link is cut nothing is taken from the
// queue, and frames are settled without an answer all the time. It expects that a is locked.
func (a *asks) compact() {
	if a.stale > 64 && a.stale > len(a.queue)/2 {
		a.queue = slices.DeleteFunc(a.queue, func(k *ask) bool { return k.settled })
		a.stale = 0
	}
}
