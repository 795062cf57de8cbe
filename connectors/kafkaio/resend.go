package kafkaio

import "slices"

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

// requeue expects that a is locked.
func (a *asks) requeue(k *ask) {
	k.queued, k.kept = true, false
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
