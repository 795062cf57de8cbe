package kafkaio

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// tails fetches what comes to the partitions of a topic that are read to their ends: those of a leader in one request. While frames arrive
// steadily, a request for each partition would bring one or two of them. Requests begin rest apart: bundles begin further
// apart than that, and each request costs both sides; meanwhile partitions gather. A partition that a request brings nothing of is
// in the next one. Where a request fails as a whole, each of its partitions is fetched alone, and has its own error.
type tails struct {
	from   brokers
	topic  string
	ctx    context.Context // of requests
	cancel context.CancelFunc

	running sync.WaitGroup

	mu      sync.Mutex
	waiting []*tail
	due     bool      // a request is about to be sent for those that wait
	last    time.Time // when a request was sent, or brought something
}

// brokers is what tails need of a client.
type brokers interface {
	leaders(ctx context.Context, topic string) map[int32]int
	fetchTogether(ctx context.Context, topic string, all []position) (map[int32]fetched, error)
	fetchCommitted(ctx context.Context, topic string, at position) (fetched, error)
}

// tail is a fetch of one partition.
type tail struct {
	position
	until  time.Time // when it ends without records at the latest
	left   atomic.Bool
	answer chan answered
}

// position is from where on a partition is fetched, and about how many bytes.
type position struct {
	partition     int32
	offset, bytes int64
}

type answered struct {
	fetched
	alone bool // it has to be fetched alone
}

func newTails(from brokers, topic string) *tails {
	t := &tails{from: from, topic: topic}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// close ends requests. Nobody may wait for one any more.
func (t *tails) close() {
	t.mu.Lock()
	t.cancel() // while nothing is added
	t.mu.Unlock()
	t.running.Wait()
}

// fetch is like client.fetchCommitted.
func (t *tails) fetch(ctx context.Context, at position) (fetched, error) {
	w := &tail{position: at, until: time.Now().Add(fetchWait), answer: make(chan answered, 1)}
	t.add(w)
	select {
	case got := <-w.answer:
		if got.alone {
			return t.from.fetchCommitted(ctx, t.topic, at)
		}
		return got.fetched, got.err
	case <-ctx.Done():
		w.left.Store(true)
		return fetched{}, ctx.Err()
	}
}

func (t *tails) add(all ...*tail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting = append(t.waiting, all...); len(t.waiting) == 0 || t.due || t.ctx.Err() != nil {
		return
	}
	t.due = true
	t.running.Add(1)
	time.AfterFunc(rest-time.Since(t.last), t.send)
}

// send asks the leaders of all partitions that wait.
func (t *tails) send() {
	defer t.running.Done()
	t.mu.Lock()
	waiting := t.waiting
	t.waiting, t.due, t.last = nil, false, time.Now()
	t.mu.Unlock()
	leaders := t.from.leaders(t.ctx, t.topic)
	shares := map[int][]*tail{}
	for _, w := range waiting {
		if leader, ok := leaders[w.partition]; !ok {
			w.answer <- answered{alone: true}
		} else if !w.left.Load() {
			shares[leader] = append(shares[leader], w)
		}
	}
	for _, share := range shares {
		t.running.Go(func() { t.ask(share) })
	}
}

// ask fetches partitions of one leader.
func (t *tails) ask(share []*tail) {
	all := make([]position, len(share))
	for i, w := range share {
		all[i] = w.position
	}
	got, err := t.from.fetchTogether(t.ctx, t.topic, all)
	now := time.Now()
	var again []*tail
	for _, w := range share {
		f, ok := got[w.partition]
		switch {
		case err != nil || !ok:
			w.answer <- answered{alone: true}
		case f.err != nil || f.records != nil || f.end > w.offset || !now.Before(w.until):
			w.answer <- answered{fetched: f}
		default:
			again = append(again, w)
		}
	}
	if len(again) < len(share) {
		t.mu.Lock()
		t.last = now
		t.mu.Unlock()
	}
	t.add(again...)
}

// leaders returns who leads the partitions of a topic, as far as is known.
func (c *client) leaders(ctx context.Context, topic string) map[int32]int {
	meta, err := c.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}}) // from memory, see metadataTTL
	if err != nil || meta.Topics[0].Error != nil {
		return nil
	}
	leaders := make(map[int32]int, len(meta.Topics[0].Partitions))
	for _, p := range meta.Topics[0].Partitions {
		if p.Error == nil && p.Leader.Host != "" {
			leaders[int32(p.ID)] = p.Leader.ID
		}
	}
	return leaders
}
