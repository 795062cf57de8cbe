// Package flow links the source and the sinks of one job inside one process: the byte credit that
// stands in for the backpressure the runner does not give, the drain flag, and the word that rows are
// durable. DoFns are serialised, so they find their job's [Link] by its id; in a worker process that
// never opened one, [For] makes an unlimited link, and the runner's own flow control applies.
package flow

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/cachenet/cachenet/schemas"
)

// FrameCost is what a frame on its way takes beside its image, in bytes: decoded pixels, its outcome, and the
// runner's copies. Without it small frames would pile up in their tens of thousands.
const FrameCost = 4 << 10

// Link joins the source and the sinks of one job. Its methods may be called concurrently.
type Link struct {
	limit    int64 // bytes; 0 means unlimited
	inFlight atomic.Int64
	draining atomic.Bool
	read     atomic.Int64
	written  atomic.Int64

	mu        sync.Mutex
	onDurable []func(Durable)
	onLost    []func(Lost)
	kept      map[string]io.Closer
}

// Durable says that every outcome of these offsets is in files that survive a crash.
type Durable struct {
	Topic     string
	Partition int32
	Offsets   schemas.Offsets
	Empty     bool // there is no frame at these offsets, and never was
}

var links sync.Map // job id → *Link

// Open makes the link of the job id, with room for limit bytes of frames, FrameCost included, between source and sink
// (0: unlimited). It replaces an earlier link of that id.
func Open(id string, limit int64) *Link {
	l := &Link{limit: limit}
	links.Store(id, l)
	return l
}

// For returns the link of the job id, making an unlimited one where the job was opened in another process.
func For(id string) *Link {
	l, _ := links.LoadOrStore(id, &Link{})
	return l.(*Link)
}

// Close forgets the link of the job id and closes what the job kept (see [Link.Keep]). Call it when the
// pipeline has ended.
func Close(id string) error {
	l, ok := links.LoadAndDelete(id)
	if !ok {
		return nil
	}
	return l.(*Link).closeKept()
}

// Full reports whether the source has to wait for the sink.
func (l *Link) Full() bool { return l.limit > 0 && l.inFlight.Load() >= l.limit }

// Read tells that the source emitted frames records with that many bytes.
func (l *Link) Read(frames int, bytes int64) {
	l.read.Add(int64(frames))
	l.inFlight.Add(bytes + int64(frames)*FrameCost)
}

// Written tells that the sink took rows outcomes of frames with that many bytes.
func (l *Link) Written(rows int, bytes int64) {
	l.written.Add(int64(rows))
	l.inFlight.Add(-bytes - int64(rows)*FrameCost)
}

// Counts returns the frames emitted by the source and the rows taken by the sink so far.
func (l *Link) Counts() (read, written int64) { return l.read.Load(), l.written.Load() }

// Drain asks the source to end as if the topic ended where it has read to.
func (l *Link) Drain() { l.draining.Store(true) }

// Draining reports whether Drain was called.
func (l *Link) Draining() bool { return l.draining.Load() }

// OnDurable registers f to be called, one call at a time, whenever rows became durable.
func (l *Link) OnDurable(f func(Durable)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onDurable = append(l.onDurable, f)
}

// SetDurable tells everyone registered that rows became durable.
func (l *Link) SetDurable(d Durable) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.onDurable {
		f(d)
	}
}
