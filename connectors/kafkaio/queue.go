package kafkaio

import (
	"context"
	"sync"

	"github.com/cachenet/cachenet/schemas"
)

// frameOverhead is what a queued frame takes in addition to its image, in bytes.
const frameOverhead = 256

// queue holds the frames of one partition between its fetcher, which waits for room, and the pipeline,
// which never waits.
type queue struct {
	limit int64 // bytes
	most  int   // frames
	room  chan struct{}
	news  chan<- struct{} // signals frames and a failure

	mu     sync.Mutex
	frames []schemas.Frame
	bytes  int64
	taken  int64 // every offset below was popped or holds nothing to pop before the first queued frame
	read   int64 // every offset below was pushed or holds nothing to push
	err    error
}

func newQueue(from, limit int64, most int, news chan<- struct{}) *queue {
	return &queue{limit: limit, most: most, room: make(chan struct{}, 1), news: news, taken: from, read: from}
}

// tell wakes the source, if it waits for frames.
func (q *queue) tell() {
	select {
	case q.news <- struct{}{}:
	default: // it has not taken the last word yet
	}
}

// push adds frames in offset order; read is the offset to be fetched next.
func (q *queue) push(frames []schemas.Frame, read int64) {
	defer q.tell()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames = append(q.frames, frames...)
	for i := range frames {
		q.bytes += int64(len(frames[i].Image)) + frameOverhead
	}
	q.read = read
}

// fail ends the queue with err, which comes behind the frames already queued.
func (q *queue) fail(err error) {
	defer q.tell()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
}

// peek returns the first frame without taking it. With no frame there it returns what the fetcher failed of.
func (q *queue) peek() (f schemas.Frame, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		return f, false, q.err
	}
	return q.frames[0], true, nil
}

// pop takes the first frame.
func (q *queue) pop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &q.frames[0]
	q.bytes -= int64(len(f.Image)) + frameOverhead
	q.taken = f.Offset + 1
	*f = schemas.Frame{} // the slice's array outlives the frame
	q.frames = q.frames[1:]
	if q.roomy() {
		select {
		case q.room <- struct{}{}:
		default:
		}
	}
}

// roomy reports whether the queue is below its limits.
func (q *queue) roomy() bool { return q.bytes < q.limit && len(q.frames) < q.most }

// waitRoom blocks until the queue is below its limits; false means that ctx ended first.
func (q *queue) waitRoom(ctx context.Context) bool {
	for {
		q.mu.Lock()
		ok := q.roomy()
		q.mu.Unlock()
		if ok {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-q.room:
		}
	}
}

// waiting reports whether there is a frame to pop.
func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames) > 0
}

// pending reports whether there is a frame to pop, or a failure to return.
func (q *queue) pending() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.frames) > 0 || q.err != nil
}

// state returns the offset that the next frame to pop has at least, whether nothing is queued, and the
// offset up to which everything was queued.
func (q *queue) state() (taken int64, empty bool, read int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken, len(q.frames) == 0, q.read
}
