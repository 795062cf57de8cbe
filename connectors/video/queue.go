package video

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/cachenet/cachenet/schemas"
)

const (
	queueBytes  = 64 << 20 // frames that wait to be published, all cameras together
	batchFrames = 64
	batchBytes  = 4 << 20
	drainFor    = 10 * time.Second // for what is queued when the context ends
)

// queue holds frames on their way from the cameras to the brokers, bounded in bytes.
type queue struct {
	frames chan schemas.Frame
	credit *semaphore.Weighted
}

func newQueue() *queue {
	return &queue{frames: make(chan schemas.Frame, 1024), credit: semaphore.NewWeighted(queueBytes)}
}

// put waits until there is room for f.
func (q *queue) put(ctx context.Context, f schemas.Frame) error {
	if err := q.credit.Acquire(ctx, cost(f)); err != nil {
		return err
	}
	select {
	case q.frames <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// offer puts f where there is room, and reports whether there was.
func (q *queue) offer(f schemas.Frame) bool {
	if !q.credit.TryAcquire(cost(f)) {
		return false
	}
	select {
	case q.frames <- f:
		return true
	default:
		q.credit.Release(cost(f))
		return false
	}
}

func cost(f schemas.Frame) int64 { return min(int64(len(f.Image)), queueBytes) }

// Sink is where frames go.
type Sink struct {
	Publish       func(ctx context.Context, frames []schemas.Frame) error // sends them in order and returns when they are durable
	MaxFrameBytes int                                                     // a larger frame is left out and counted; 0: 8 MiB
}

// drain publishes until the queue is closed. What is queued when ctx ends is still published.
func (q *queue) drain(ctx context.Context, publish func(context.Context, []schemas.Frame) error) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainFor, cancel) })()
	for f := range q.frames {
		batch := q.more(f)
		err := publish(sending, batch)
		if err != nil && ctx.Err() != nil && sending.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if err != nil {
			return err
		}
		for _, f := range batch {
			q.credit.Release(cost(f))
		}
	}
	return nil
}

// more returns f and what is queued behind it, up to a batch.
func (q *queue) more(f schemas.Frame) []schemas.Frame {
	batch, size := []schemas.Frame{f}, len(f.Image)
	for len(batch) < batchFrames && size < batchBytes {
		select {
		case f, ok := <-q.frames:
			if !ok {
				return batch
			}
			batch, size = append(batch, f), size+len(f.Image)
		default:
			return batch
		}
	}
	return batch
}
