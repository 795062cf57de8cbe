package parquetio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/connectors/session"
)

// run takes files to the disk until the writer is closed and empty, or the disk has refused for too long.
func (w *writer) run() {
	defer close(w.stopped)
	for {
		f, pause := w.next()
		switch {
		case f != nil:
			if err := w.persist(*f); err != nil {
				w.fail(err)
				return
			}
			w.announce(*f)
			w.refreshLedger()
		case pause == 0:
			return
		default:
			select {
			case <-w.wake:
			case <-time.After(pause):
			}
		}
	}
}

// next returns the file to be written, else how long to pause; 0 when there will be none any more.
func (w *writer) next() (*finished, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	age := w.cfg.FileAge
	if w.closing {
		age = 0
	}
	pause, err := w.finishAll(age)
	if err != nil {
		w.stop(err)
	}
	switch {
	case w.err != nil:
		return nil, 0
	case len(w.queue) > 0:
		return &w.queue[0], 0
	case w.closing:
		return nil, 0
	}
	return nil, pause
}

// persist stores a file, however often the disk refuses, for at most GiveUp. The rows are in memory meanwhile,
// and no listener was notified that they are durable.
func (w *writer) persist(f finished) error {
	err := retry.Do(context.Background(), retry.Outage{
		For: w.cfg.GiveUp,
		Began: func(err error) {
			slog.Warn("outcomes cannot be written: they are kept in memory and retried",
				"dir", w.cfg.Dir, "error", err, "give_up_after", w.cfg.GiveUp)
		},
		Ended: func(after time.Duration) {
			slog.Info("writing outcomes works again", "dir", w.cfg.Dir, "after", after)
		},
	}, func() error { return w.store(f) })
	if err != nil {
		return fmt.Errorf("write outcomes: %w: failing for %v: free disk space or make the folder writable, and start again: "+
			"every frame without a row is read again", err, w.cfg.GiveUp)
	}
	return nil
}

// Refused reports whether err says that a disk is full, a quota is used up or a file system is read-only, which may pass.
func Refused(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// store makes a file part of the data set.
func (w *writer) store(f finished) error {
	if w.commits != nil {
		return w.commits.store(f)
	}
	return store(w.cfg.Dir, f.path, f.data)
}

// announce tells everyone that a file is on disk.
func (w *writer) announce(f finished) {
	if w.commits != nil {
		w.tally.merge(w.commits.added) // less the rows that others have written
	} else {
		w.tally.merge(f.tally)
	}
	for topic, partitions := range f.offsets {
		for partition, offsets := range partitions {
			w.job.SetDurable(session.Durable{Topic: topic, Partition: partition, Offsets: offsets})
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = w.queue[1:]
	w.queued -= int64(len(f.data))
	w.stored++
	w.changed.Broadcast()
}

// refreshLedger brings the ledger up to date now and then, so that a start after a long job need not read all its
// footers.
func (w *writer) refreshLedger() {
	if time.Since(w.refreshed) < w.cfg.LedgerAge {
		return
	}
	w.refreshed = time.Now()
	if _, err := Recover(context.Background(), w.cfg.Dir); err != nil {
		slog.Warn("the ledger could not be updated", "dir", w.cfg.Dir, "error", err)
	}
}

// fail stops the writer.
func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop(err)
}

// stop is fail for callers that hold the mutex. The memory goes too: its rows were never called durable. Where
// bundles do not wait for the disk, no row may come any more that could carry the error: the job is asked to end.
func (w *writer) stop(err error) {
	if w.err == nil {
		w.err = err
	}
	if !w.cfg.EveryBundle {
		w.job.Drain()
	}
	w.open, w.queue = nil, nil
	w.changed.Broadcast()
	w.signal()
}

// close writes what is left and ends the writer.
func (w *writer) close() error {
	w.mu.Lock()
	w.closing = true
	w.signal()
	w.mu.Unlock()
	<-w.stopped
	w.mu.Lock()
	defer w.mu.Unlock()
	again := w.again
	if w.commits != nil {
		again += w.commits.left
	}
	if again > 0 {
		slog.Info("duplicate outcomes were written once", "dir", w.cfg.Dir, "rows", again)
	}
	if w.err != nil {
		return w.err
	}
	w.err = errClosed
	w.changed.Broadcast()
	return nil
}
