package parquetio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// maxOpen bounds the files that grow at once. The rows of one moment fall into one hour, or two at its turn; more
// are needed only while a backlog is read or a producer's clock is wrong.
const maxOpen = 8

var errClosed = errors.New("write outcomes: the job's output is closed")

// writer turns the rows of one job into files. A row goes into the file of its hour; a file that is large or old
// enough is finished and queued; one goroutine ([writer.run]) takes the queue to the disk.
type writer struct {
	cfg WriteConfig
	job *session.Session
	id  string // part of every file name, so that no two writers ever use the same

	commits   *commits  // of a shared data set, else nil; only run uses it
	refreshed time.Time // when the ledger was brought up to date; only run uses it
	tally     *tallies

	mu      sync.Mutex
	changed *sync.Cond // of the fields below
	taken   Durable    // offsets that are durable or in flight
	again   int64      // rows that came for an offset already taken
	scratch []schemas.Outcome
	open    []*building
	queue   []finished
	queued  int64 // bytes in queue
	begun   int   // files that were ever queued
	stored  int   // … and are on disk
	closing bool
	err     error // why this writer stopped for good

	wake    chan struct{} // there is something in queue, or closing was set
	stopped chan struct{} // run has returned
}

func newWriter(ctx context.Context, cfg WriteConfig, job *session.Session) (*writer, error) {
	if err := prepare(cfg.Dir); err != nil {
		return nil, err
	}
	taken, err := Recover(ctx, cfg.Dir)
	if err != nil {
		return nil, err
	}
	tally, err := talliesOf(job)
	if err != nil {
		return nil, err
	}
	w := &writer{
		cfg: cfg, job: job, id: rand.Text()[:10], taken: taken, refreshed: time.Now(), tally: tally,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	w.changed = sync.NewCond(&w.mu)
	if cfg.Shared {
		w.commits = newCommits(cfg.Dir)
	}
	go w.run()
	return w, nil
}

// add takes the rows whose offset has none yet; it keeps nothing of the slice. It waits while the disk is far
// behind, and returns the writer's failure once there is one.
func (w *writer) add(ctx context.Context, rows []schemas.Outcome) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.wait(ctx, func() bool { return w.queued < w.cfg.PendingBytes }); err != nil {
		return err
	}
	if w.closing {
		return errClosed
	}
	begun, fresh := time.Now(), w.fresh(rows)
	w.job.Rows(fresh)
	w.job.Release(fresh)
	for len(fresh) > 0 {
		hour, n := hourOf(fresh[0].EventTime), 1
		for n < len(fresh) && hourOf(fresh[n].EventTime) == hour {
			n++
		}
		if err := w.addTo(hour, fresh[:n]); err != nil {
			w.stop(err)
			return err
		}
		fresh = fresh[n:]
	}
	var bytes int64
	for i := range rows {
		bytes += int64(rows[i].FrameBytes)
	}
	took := time.Since(begun)
	w.job.Spent(session.StageWrite, took, len(rows))
	if t := w.job.Traced(); t != nil {
		t.Span(session.Span{Bundle: metrics.GetBundleID(ctx), Name: session.StageWrite.String(), Begun: begun, Took: took, Frames: len(rows)})
	}
	w.job.Written(len(rows), bytes)
	return nil
}

// fresh copies the rows to be written, with event times every reader can show, and marks their offsets as taken.
func (w *writer) fresh(rows []schemas.Outcome) []schemas.Outcome {
	w.scratch = w.scratch[:0]
	for _, row := range rows {
		if w.taken[row.Topic][row.Partition].Contains(row.Offset) {
			w.again++
			continue
		}
		w.taken.add(row.Topic, row.Partition, row.Offset)
		row.EventTime = readable(row.EventTime)
		w.scratch = append(w.scratch, row)
	}
	return w.scratch
}

// addTo puts rows into the hour's file.
func (w *writer) addTo(hour int64, rows []schemas.Outcome) error {
	i := slices.IndexFunc(w.open, func(b *building) bool { return b.hour == hour })
	if i < 0 {
		if len(w.open) == maxOpen {
			if err := w.finish(w.open[0]); err != nil {
				return err
			}
		}
		i = len(w.open)
		w.open = append(w.open, build(hour, w.cfg))
	}
	b := w.open[i]
	if err := b.add(rows); err != nil {
		return err
	}
	if b.size() < w.cfg.FileBytes {
		return nil
	}
	return w.finish(b)
}

// finish moves an open file into the queue.
func (w *writer) finish(b *building) error {
	w.begun++
	name := fmt.Sprintf("%s-%s-%06d.parquet", b.opened.UTC().Format("20060102T150405"), w.id, w.begun)
	f, err := b.finish(name)
	if err != nil {
		return err
	}
	w.open = slices.DeleteFunc(w.open, func(o *building) bool { return o == b })
	w.queue = append(w.queue, f)
	w.queued += int64(len(f.data))
	w.signal()
	return nil
}

// finishAll moves every open file that is at least that old into the queue, and returns for how long there will
// be no other, at most FileAge.
func (w *writer) finishAll(age time.Duration) (time.Duration, error) {
	next := w.cfg.FileAge
	for _, b := range slices.Clone(w.open) {
		if left := age - time.Since(b.opened); left > 0 {
			next = min(next, left)
		} else if err := w.finish(b); err != nil {
			return 0, err
		}
	}
	return next, nil
}

// flush returns when every row taken so far is on disk.
func (w *writer) flush(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.finishAll(0); err != nil {
		w.stop(err)
		return err
	}
	goal := w.begun
	return w.wait(ctx, func() bool { return w.stored >= goal })
}

// wait returns when ready does; it releases the mutex meanwhile.
func (w *writer) wait(ctx context.Context, ready func() bool) error {
	if w.err == nil && ready() {
		return nil
	}
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})()
	for w.err == nil && ctx.Err() == nil && !ready() {
		w.changed.Wait()
	}
	if w.err != nil {
		return w.err
	}
	return ctx.Err()
}

// signal wakes the goroutine.
func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
