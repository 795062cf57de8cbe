package monitor

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/cachenet/cachenet/report/page"
	"github.com/cachenet/cachenet/schemas"
)

// What a gallery keeps at most, besides the number of frames.
const (
	MaxLiveFrames = 100     // of a stream
	galleryBytes  = 8 << 20 // of images, all streams together
	watched       = 8       // streams at a time
)

var errManyStreams = errors.New("pages show the frames of " + strconv.Itoa(watched) + " other streams already: close one of them")

// gallery keeps the last frames of the streams that somebody looks at, with their rows. A stream's frames are kept from
// the moment that a page asks for them until the last such page is closed; of other streams nothing is kept.
// Its methods may be called concurrently.
type gallery struct {
	limit int          // frames of a stream
	busy  atomic.Int32 // streams that somebody looks at: while there are none the source pays one load

	mu      sync.Mutex
	bytes   int
	streams map[string]*exhibition
}

// exhibition is one stream's part of the gallery.
type exhibition struct {
	viewers  int
	waiting  map[place]schemas.Frame // that have no row yet
	answered []answered              // the latest last
	skipped  int64                   // frames for which there was no room
}

type place struct {
	partition int32
	offset    int64
}

type answered struct {
	frame schemas.Frame
	row   schemas.Outcome
}

func newGallery(limit int) *gallery { return &gallery{limit: limit, streams: map[string]*exhibition{}} }

// open begins to keep the frames of a stream, until leave is called.
func (g *gallery) open(stream string) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.streams[stream]
	if e == nil {
		if len(g.streams) == watched {
			return nil, errManyStreams
		}
		e = &exhibition{waiting: map[place]schemas.Frame{}}
		g.streams[stream] = e
		g.busy.Add(1)
	}
	e.viewers++
	return sync.OnceFunc(func() { g.leave(stream, e) }), nil
}

func (g *gallery) leave(stream string, e *exhibition) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e.viewers--; e.viewers > 0 {
		return
	}
	g.forget(e)
	for len(e.answered) > 0 {
		g.drop(e)
	}
	delete(g.streams, stream)
	g.busy.Add(-1)
}

// begin forgets the frames that wait for a row: another job begins, and reads them again.
func (g *gallery) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.streams {
		g.forget(e)
	}
}

func (g *gallery) forget(e *exhibition) {
	for _, f := range e.waiting {
		g.bytes -= len(f.Image)
	}
	clear(e.waiting)
}

// drop removes the oldest answered frame.
func (g *gallery) drop(e *exhibition) {
	g.bytes -= len(e.answered[0].frame.Image)
	e.answered[0] = answered{} // its bytes
	e.answered = e.answered[1:]
}

// take looks at frames of one stream that begin their way. Where more wait for their rows than are shown, later ones are
// skipped: were the earlier ones dropped instead, a run that lags would never show any.
func (g *gallery) take(frames []schemas.Frame) {
	if g.busy.Load() == 0 || len(frames) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.streams[frames[0].Stream]
	if e == nil {
		return
	}
	for i := range frames {
		if len(e.waiting) == g.limit || !g.room(e, len(frames[i].Image)) {
			e.skipped++
			continue
		}
		f := frames[i]
		f.Image = slices.Clone(f.Image)
		g.bytes += len(f.Image)
		e.waiting[place{f.Partition, f.Offset}] = f
	}
}

// room makes room for n bytes at the cost of the stream's oldest frames, and reports whether there is.
func (g *gallery) room(e *exhibition, n int) bool {
	for g.bytes+n > galleryBytes && len(e.answered) > 0 {
		g.drop(e)
	}
	return g.bytes+n <= galleryBytes
}

// answer puts rows beside the frames that wait for them.
func (g *gallery) answer(rows []schemas.Outcome) {
	if g.busy.Load() == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range rows {
		e := g.streams[rows[i].Stream]
		if e == nil {
			continue
		}
		at := place{rows[i].Partition, rows[i].Offset}
		f, ok := e.waiting[at]
		if !ok {
			continue
		}
		delete(e.waiting, at)
		e.answered = append(e.answered, answered{f, rows[i]})
		if len(e.answered) > g.limit {
			g.drop(e)
		}
	}
}

// show returns what the page shows of a stream, the latest frame first.
func (g *gallery) show(stream string) *page.Frames {
	shown := &page.Frames{Stream: stream, Limit: g.limit}
	kept, skipped := g.kept(stream)
	slices.SortFunc(kept, func(a, b answered) int {
		return cmp.Or(b.row.EventTime.Compare(a.row.EventTime), cmp.Compare(b.row.Offset, a.row.Offset))
	})
	for i := range kept { // without the lock: raw pixels take milliseconds
		shown.Shown = append(shown.Shown, page.Frame{Outcome: kept[i].row, Picture: picture(&kept[i].frame)})
	}
	shown.Skipped = skipped
	return shown
}

// kept returns the answered frames of a stream.
func (g *gallery) kept(stream string) (all []answered, skipped int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.streams[stream]
	if e == nil {
		return nil, 0
	}
	return slices.Clone(e.answered), e.skipped
}
