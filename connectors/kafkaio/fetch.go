package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

const (
	fetchWait = 500 * time.Millisecond // how long the broker holds a fetch that finds nothing
	patience  = 2 * time.Minute        // with an open transaction; brokers end most after one
	rest      = 5 * time.Millisecond   // between two fetches at the ends of partitions, see tails
)

// errTruncated ends a fetcher: to continue would skip or repeat frames unnoticed.
var errTruncated = errors.New("topic was recreated or truncated: start over with a new group and output folder")

// fetcher reads one partition ahead of the pipeline. kafka.Reader is not used because it skips a range that
// retention deleted without an error, and stalls after a broker restart; here each request stands
// alone and the offsets are ours.
type fetcher struct {
	cfg    *ReadConfig
	span   Span
	client *client
	tails  *tails
	job    *session.Session
	queue  *queue
	away   *interruption

	at      int64        // offset to fetch next
	mean    int64        // bytes of a record in the last fetch that brought some; 0: not yet
	end     atomic.Int64 // of the partition when it was last asked; 0: not yet
	begun   time.Time    // when the last fetch was read, after its response came
	failing bool         // the last fetch failed
	counted bool         // as one that cannot read, in away
	seen    Mark         // the last record read; its offset is -1 before the first
	heldUp  time.Time    // since when a transaction that is still open holds up the partition; zero when none does
	told    bool         // that it does

	last   time.Time // event time last given out, see stamp
	cancel context.CancelFunc
	ended  chan struct{}
}

// startFetcher reads span from the offset from on, until close.
func startFetcher(cfg *ReadConfig, span Span, from int64, c *client, together *tails, job *session.Session, away *interruption, news chan<- struct{}) *fetcher {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fetcher{
		cfg: cfg, span: span, client: c, tails: together, job: job, away: away,
		queue: newQueue(from, cfg.QueueBytes, cfg.QueueFrames, news),
		at:    from, seen: Mark{Offset: -1}, cancel: cancel, ended: make(chan struct{}),
	}
	go f.run(ctx)
	return f
}

// close stops the fetcher and drops what is queued.
func (f *fetcher) close() {
	f.cancel()
	<-f.ended
}

// finished reports whether the span was read and taken to its end.
func (f *fetcher) finished() bool {
	_, empty, read := f.queue.state()
	return empty && read >= f.span.To
}

func (f *fetcher) run(ctx context.Context) {
	defer close(f.ended)
	defer func() { f.back(false) }()
	f.advance(batch{next: f.at})
	for f.at < f.span.To && f.queue.waitRoom(ctx) {
		b, err := retry.Get(ctx, f.outage(), func() (batch, error) { return f.try(ctx) })
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, errTruncated) {
			err = fmt.Errorf("failing for %s: %w", f.cfg.RetryFor, err)
		}
		if err != nil {
			f.queue.fail(fmt.Errorf("kafka: read %s/%d from offset %d: %w", f.cfg.Topic, f.span.Partition, f.at, err))
			return
		}
		f.advance(b)
	}
}

// next asks the partition's leader for what follows, at the partition's end together with other partitions. What waits to be read is fetched alone, and
// so is a partition that failed.
func (f *fetcher) next(ctx context.Context) (fetched, error) {
	at := position{f.span.Partition, f.at, f.ask()}
	if f.failing || f.begun.IsZero() || f.at < f.end.Load() {
		return f.client.fetchCommitted(ctx, f.cfg.Topic, at)
	}
	return f.tails.fetch(ctx, at)
}

// ask is how many bytes the next fetch asks for: no more than half of the frames that the queue takes.
func (f *fetcher) ask() int64 {
	if f.mean == 0 {
		return f.cfg.FetchBytes
	}
	return min(f.cfg.FetchBytes, max(minFetchBytes, f.mean*int64(f.cfg.QueueFrames/2)))
}

// fetch asks the partition's leader for what follows. It always ends: requests have a time limit.
func (f *fetcher) fetch(ctx context.Context) (batch, error) {
	if f.failing { // a fetch alone would call an unreachable broker a missing topic
		if _, err := f.client.partitions(ctx, f.cfg.Cluster, f.cfg.Topic); err != nil {
			return batch{}, err
		}
		if err := f.recognise(ctx); err != nil {
			return batch{}, err
		}
	}
	res, err := f.next(ctx)
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return f.skipLost(ctx)
	}
	if err != nil {
		return batch{}, err
	}
	f.noteOpen(res)
	f.end.Store(res.end)
	f.begun = time.Now()
	defer func() { f.job.Spent(session.StageFetch, time.Since(f.begun), 0) }()
	return readBatch(res, filter{from: f.at, to: f.span.To, done: f.span.Done, limit: f.cfg.MaxFrameBytes, memory: f.memory()})
}

// memory returns where values are put; nil where an image may be needed after its frame has its row: while it is sent to a server.
func (f *fetcher) memory() func(offset int64, size int) []byte {
	if f.cfg.Answers {
		return nil
	}
	return func(offset int64, size int) []byte { return f.job.Image(f.cfg.Topic, f.span.Partition, offset, size) }
}

// recognise looks, after an interruption, whether the topic is still the one that was read: meanwhile it may have been deleted, recreated and
// filled beyond the offset to go on from.
func (f *fetcher) recognise(ctx context.Context) error {
	if f.seen.Offset < 0 {
		return nil // a run looks at the rows of earlier ones before it starts
	}
	replaced, err := f.client.replaced(ctx, f.cfg.Topic, f.span.Partition, f.seen)
	if replaced {
		return fmt.Errorf("it has another record at offset %d than before: %w", f.seen.Offset, errTruncated)
	}
	return err
}

// noteOpen says once of a transaction that it holds up the partition, when that has gone on for long: its producer may
// have gone without ending it.
func (f *fetcher) noteOpen(res fetched) {
	switch {
	case f.at < res.stable || res.stable >= res.end:
		f.heldUp, f.told = time.Time{}, false
	case f.heldUp.IsZero():
		f.heldUp = time.Now()
	case !f.told && time.Since(f.heldUp) > patience:
		f.told = true
		slog.Warn("reading waits for an open transaction: if its producer is gone, end it (kafka-transactions.sh find-hanging, abort)",
			"topic", f.cfg.Topic, "partition", f.span.Partition, "offset", f.at, "behind it", res.end-res.stable)
	}
}

// advance queues what a fetch brought and moves on. Offsets that hold no frame are reported as durable, since
// there is nothing to wait for and the committed offset has to get past them.
func (f *fetcher) advance(b batch) {
	frames := make([]schemas.Frame, len(b.records))
	now := time.Now()
	defer func() {
		f.job.Spent(session.StageFetch, time.Since(now), len(frames))
		if t := f.job.Traced(); t != nil && len(frames) > 0 {
			t.Span(session.Span{Name: session.StageFetch.String(), Begun: f.begun, Took: time.Since(f.begun), Frames: len(frames)})
		}
	}()
	var bytes int64
	for i, r := range b.records {
		bytes += int64(r.size)
		frames[i] = decode(r, f.cfg.MaxFrameBytes, now)
		frames[i].Topic, frames[i].Partition = f.cfg.Topic, f.span.Partition
		if f.span.Quarantined.Contains(r.offset) {
			frames[i].Fault = "quarantined: the process died again and again while it looked at this frame"
		}
	}
	if last := len(b.records) - 1; last >= 0 {
		f.seen, f.mean = markOf(b.records[last]), max(1, bytes/int64(len(b.records)))
	}
	if n := b.gaps.Count(); n > 0 {
		slog.Warn("the topic has no record at some offsets; was it compacted?",
			"topic", f.cfg.Topic, "partition", f.span.Partition, "from", f.at, "to", b.next, "offsets", n)
	}
	nothing := b.empty
	nothing.Union(b.gaps)
	if nothing.Count() > 0 {
		f.job.SetDurable(session.Durable{Topic: f.cfg.Topic, Partition: f.span.Partition, Offsets: nothing, Empty: true})
	}
	f.at = f.span.Done.Next(b.next)
	f.queue.push(frames, f.at)
}

// skipLost goes on at the first offset still there when retention was faster than the pipeline, and says
// exactly what was lost.
func (f *fetcher) skipLost(ctx context.Context) (batch, error) {
	bounds, err := f.client.bounds(ctx, f.cfg.Topic, []int32{f.span.Partition})
	if err != nil {
		return batch{}, err
	}
	if f.at > bounds[0].End {
		return batch{}, fmt.Errorf("it ends at %d: %w", bounds[0].End, errTruncated)
	}
	first := min(bounds[0].First, f.span.To)
	if f.at >= first {
		return batch{}, fmt.Errorf("it has the offsets from %d to %d: %w", bounds[0].First, bounds[0].End, kafka.OffsetOutOfRange)
	}
	gone := f.span.Done.Missing(f.at, first)
	for from, to := range gone.All() {
		slog.Warn("frames lost: retention deleted them before they were read",
			"topic", f.cfg.Topic, "partition", f.span.Partition, "from", from, "to", to, "offsets", to-from)
		f.job.SetLost(session.Lost{Topic: f.cfg.Topic, Partition: f.span.Partition, From: from, To: to})
	}
	f.job.SetDurable(session.Durable{Topic: f.cfg.Topic, Partition: f.span.Partition, Offsets: gone})
	return batch{next: first}, nil
}

// try is fetch for one of several tries.
func (f *fetcher) try(ctx context.Context) (batch, error) {
	b, err := f.fetch(ctx)
	if f.failing = err != nil; f.failing {
		f.client.close() // a new connection asks who leads the partition now; kafka-go would wait for its metadata to age
	}
	return b, err
}

// outage says how long fetches may fail.
func (f *fetcher) outage() retry.Outage {
	return retry.Outage{
		For:    f.cfg.RetryFor,
		Passes: func(err error) bool { return !errors.Is(err, errTruncated) },
		Began: func(err error) {
			f.counted = true
			f.away.began("topic", f.cfg.Topic, "partition", f.span.Partition, "offset", f.at, "for", f.cfg.RetryFor, "error", bare(err))
		},
		Ended: func(time.Duration) { f.back(true) },
	}
}

// back ends what the partition has to do with an outage.
func (f *fetcher) back(read bool) {
	if f.counted {
		f.counted = false
		f.away.ended(read, f.cfg.Topic)
	}
}

// stamp returns the event time of the next element of this partition: that of its record, but not after now
// (a producer's clock may run ahead) and always later than the one before, because prism hands a key's
// elements to a stateful transform in order of event time, in milliseconds.
func (f *fetcher) stamp(t time.Time) time.Time {
	if now := time.Now(); t.After(now) {
		t = now
	}
	if next := f.last.Add(time.Millisecond); t.Before(next) {
		t = next
	}
	f.last = t
	return t
}
