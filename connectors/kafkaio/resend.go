package kafkaio

import (
	"slices"
	"time"
)

// kept records the offsets of a batch that the server's broker acknowledged.
func (a *inFlight) kept(batch []*pendingFrame, partition int32, first int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, k := range batch {
		k.kept, k.partition, k.offset = true, partition, first+int64(i)
	}
	a.counts.Sent += int64(len(batch))
}

// lost queues the frames again that the misses topic no longer holds: it was recreated, or retention deleted them before the
// server answered. It returns their number.
func (a *inFlight) lost(held []Partition) int {
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

// doubtful returns the longest waiting of the frames that the broker acknowledged, when its record is due to be read back: the
// topic may have been deleted, recreated and filled beyond its offset. That is due after 30 s and each time the wait has doubled.
func (a *inFlight) doubtful(now time.Time) (origin string, partition int32, offset int64, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var oldest *pendingFrame
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

// requeue queues a frame once more. It expects that a is locked.
func (a *inFlight) requeue(k *pendingFrame) {
	k.queued, k.kept, k.looked = true, false, 0
	a.queue = append(a.queue, k)
	a.counts.Resent++
	signal(a.work)
}

// compact drops settled frames from the queue once they are most of it: while the link is cut nothing is taken from the queue,
// but frames go on to be settled without an answer. It expects that a is locked.
func (a *inFlight) compact() {
	if a.stale > 64 && a.stale > len(a.queue)/2 {
		a.queue = slices.DeleteFunc(a.queue, func(k *pendingFrame) bool { return k.settled })
		a.stale = 0
	}
}
