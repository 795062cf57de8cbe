package pipelines

import (
	"context"
	"slices"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
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
	tick := time.NewTicker(watchHere)
	defer tick.Stop()
	for x.remains() {
		select {
		case <-ctx.Done():
			drained(x.job)
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
		for partition, offsets := range durable[x.topic] {
			x.job.SetDurable(session.Durable{Topic: x.topic, Partition: partition, Offsets: offsets})
		}
		if !x.remains() {
			return nil
		}
		select {
		case <-ctx.Done():
			return drainOthers(context.WithoutCancel(ctx), x)
		case <-tick.C:
		}
	}
}

// drainOthers is drained for workers in other processes: it tells them by a file, and takes the job for drained when
// no row has come for a while. What has none by then is read again by the next run.
func drainOthers(ctx context.Context, x execution) error {
	if err := parquetio.WritePrivate(x.out, stopName(x.id), nil); err != nil {
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
	return parquetio.RemovePrivate(x.out, stopName(x.id))
}

// drained waits until the frames that were read are written and no other is read. It gives up after a while: what
// has no row by then is read again by the next run.
func drained(job *session.Session) {
	tick := time.NewTicker(watchHere)
	defer tick.Stop()
	read, _ := job.Counts()
	since := time.Now()
	for start := time.Now(); time.Since(start) < drainWithin; <-tick.C {
		r, written := job.Counts()
		if r != read || written < r {
			read, since = r, time.Now()
		}
		if time.Since(since) > quietFor {
			return
		}
	}
}

// remains reports whether some offset of the job's spans is not durable.
func (x execution) remains() bool {
	return slices.ContainsFunc(x.spans, func(s kafkaio.Span) bool {
		return x.job.NextMissing(x.topic, s.Partition, s.From) < s.To
	})
}
