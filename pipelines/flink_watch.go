package pipelines

import (
	"context"
	"sync"
	"time"

	"github.com/cachenet/cachenet/connectors/flow"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

const (
	watchHere   = 100 * time.Millisecond // between two looks at what this process wrote
	watchFiles  = 2 * time.Second        // … at the files of other processes
	quietFor    = 2 * sourceStay         // no frame on its way for so long, after Drain: none will come
	quietFiles  = 4 * watchFiles         // … no new file of other processes for so long
	drainWithin = 2 * time.Minute
)

// watch returns when the job has nothing more to do: every span is durable, or the drain that follows the end of
// ctx has come to rest.
func (f flink) watch(ctx context.Context, x execution) error {
	if f.pool != "" {
		return watchOthers(ctx, x)
	}
	left := newRemainder(x)
	x.link.OnDurable(left.mark)
	tick := time.NewTicker(watchHere)
	defer tick.Stop()
	for !left.empty() {
		select {
		case <-ctx.Done():
			drained(x.link)
			return nil
		case <-tick.C:
		}
	}
	return nil
}

// watchOthers is watch for workers in other processes, of which only the files tell.
func watchOthers(ctx context.Context, x execution) error {
	tick := time.NewTicker(watchFiles)
	defer tick.Stop()
	for {
		durable, err := parquetio.Recover(context.WithoutCancel(ctx), x.out)
		if err != nil {
			return err
		}
		left := newRemainder(x)
		for partition, offsets := range durable[x.topic] {
			left.mark(flow.Durable{Topic: x.topic, Partition: partition, Offsets: offsets})
		}
		if left.empty() {
			return nil
		}
		select {
		case <-ctx.Done():
			return drainOthers(context.WithoutCancel(ctx), x)
		case <-tick.C:
		}
	}
}

// stopName names the file beside the outcomes that tells the sources of a job to end.
func stopName(job string) string { return "stop-" + job }

// drainOthers is drained for workers in other processes: it tells them by a file, and takes the job for drained when
// no row has come for a while. What has none by then is read again by the next run.
func drainOthers(ctx context.Context, x execution) error {
	if err := parquetio.WriteBeside(x.out, stopName(x.id), nil); err != nil {
		return err
	}
	tick := time.NewTicker(watchFiles)
	defer tick.Stop()
	var rows int64
	since := time.Now()
	for start := time.Now(); time.Since(start) < drainWithin && time.Since(since) < quietFiles; <-tick.C {
		durable, err := parquetio.Recover(ctx, x.out)
		if err != nil {
			return err
		}
		var now int64
		for _, offsets := range durable[x.topic] {
			now += offsets.Count()
		}
		if now != rows {
			rows, since = now, time.Now()
		}
	}
	return parquetio.RemoveBeside(x.out, stopName(x.id))
}

// drained waits until the frames that were read are written and no other is read. It gives up after a while: what
// has no row by then is read again by the next run.
func drained(link *flow.Link) {
	tick := time.NewTicker(watchHere)
	defer tick.Stop()
	read, _ := link.Counts()
	since := time.Now()
	for start := time.Now(); time.Since(start) < drainWithin; <-tick.C {
		r, written := link.Counts()
		if r != read || written < r {
			read, since = r, time.Now()
		}
		if time.Since(since) > quietFor {
			return
		}
	}
}

// remainder is what of some spans has no durable outcome yet.
type remainder struct {
	mu    sync.Mutex
	topic string
	spans map[int32]kafkaio.Span
	done  map[int32]schemas.Offsets
}

func newRemainder(x execution) *remainder {
	r := &remainder{topic: x.topic, spans: map[int32]kafkaio.Span{}, done: map[int32]schemas.Offsets{}}
	for _, s := range x.spans {
		r.spans[s.Partition] = s
		r.mark(flow.Durable{Topic: x.topic, Partition: s.Partition, Offsets: s.Done})
	}
	return r
}

func (r *remainder) mark(d flow.Durable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.Topic == r.topic {
		done := r.done[d.Partition]
		done.Union(d.Offsets)
		r.done[d.Partition] = done
	}
}

func (r *remainder) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for partition, s := range r.spans {
		done := r.done[partition]
		if done.Next(s.From) < s.To {
			return false
		}
	}
	return true
}
