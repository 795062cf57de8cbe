package main

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/models/offload"
)

// A simulation in virtual time: answers and times of nets were measured, links are those of connectors/link, and the policy
// and the controllers are the code that runs on devices; processors and queues are modelled.

// Sizes and times that are assumed, not measured.
const (
	framePeriod = 100 * time.Millisecond // of a camera
	recordBytes = 300                    // of a record besides the image: its headers and those of the request, TCP and IP
	answerBytes = 750                    // of an answer: an outcome as JSON, and the same headers
	rankedBytes = 35                     // of each class that an answer lists, if it lists several
	ackBytes    = 100                    // of an acknowledgement of the server's broker
	mostWaiting = 30                     // frames of a device in flight; beyond them none is sent
	serverBatch = 16
)

// phase is a link that holds from a moment on.
type phase struct {
	from  time.Duration
	shape link.Shape
}

// condition is the link of a cell.
type condition struct {
	Name     string
	phases   []phase
	cut      [2]time.Duration // nothing passes between these; none where they are equal
	headline bool             // part of the grid of the headline figures
}

// world is one run: devices with a stream each, and one server.
type world struct {
	facts  *facts
	factor float64 // a device's times over the measured ones
	events events
	order  int
	now    time.Duration
	err    error // the first; nothing goes on after it
	server server
	ends   []*endpoint
}

// server is one processor with a queue; it takes all that waits as one batch.
type server struct {
	queue []*request
	busy  bool
}

// request is a frame on its way through the server.
type request struct {
	form   int
	row    int
	bytes  int    // of its record
	listed int    // classes in its answer
	after  func() // runs on the server once the answer has been sent; nil: nothing
	back   func(at time.Duration)
	held   func(at time.Duration) // runs when the server's broker has it; nil: nothing
	end    *endpoint
}

// endpoint is a device's processor and link.
type endpoint struct {
	world *world
	links []*link.Link // of each phase
	from  []time.Duration
	free  time.Duration // when its processor is
	up    int64         // bytes
	down  int64
	last  [2]time.Duration // arrivals: one connection keeps its order
}

type event struct {
	at    time.Duration
	order int
	run   func(at time.Duration)
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}

// on schedules a function.
func (w *world) on(at time.Duration, run func(at time.Duration)) {
	w.order++
	heap.Push(&w.events, event{at, w.order, run})
}

func (w *world) play() {
	for len(w.events) > 0 && w.err == nil {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.run(e.at)
	}
}

func (w *world) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func newEndpoint(w *world, c condition, seed uint64) *endpoint {
	e := &endpoint{world: w}
	for i, p := range c.phases {
		l := link.New(p.shape, seed+uint64(i))
		if c.cut[1] > c.cut[0] {
			l.Cut(c.cut[0], c.cut[1])
		}
		e.links, e.from = append(e.links, l), append(e.from, p.from)
	}
	return e
}

// now returns the link of the current phase.
func (e *endpoint) now(at time.Duration) *link.Link {
	i := len(e.from) - 1
	for i > 0 && at < e.from[i] {
		i--
	}
	return e.links[i]
}

func (e *endpoint) sendUp(at time.Duration, bytes int) time.Duration {
	e.up += int64(bytes)
	e.last[0] = max(e.last[0], e.now(at).Up.Deliver(at, bytes))
	return e.last[0]
}

func (e *endpoint) sendDown(at time.Duration, bytes int) time.Duration {
	e.down += int64(bytes)
	e.last[1] = max(e.last[1], e.now(at).Down.Deliver(at, bytes))
	return e.last[1]
}

// work occupies the device's processor and returns when it is done.
func (e *endpoint) work(at time.Duration, us float64) time.Duration {
	e.free = max(e.free, at) + micros(us*e.world.factor)
	return e.free
}

func (e *endpoint) busy(at time.Duration) time.Duration { return max(0, e.free-at) }

func micros(us float64) time.Duration { return time.Duration(us * float64(time.Microsecond)) }

// ask sends a frame to the server; back runs when the answer has arrived.
func (e *endpoint) ask(at time.Duration, r *request) {
	arrival := e.sendUp(at, r.bytes)
	r.end = e
	e.world.on(arrival, func(at time.Duration) {
		if r.held != nil {
			r.held(at)
		}
		e.world.server.queue = append(e.world.server.queue, r)
		e.world.serve(at)
	})
}

// serve starts a batch unless one is being worked on.
func (w *world) serve(at time.Duration) {
	s := &w.server
	if s.busy || len(s.queue) == 0 {
		return
	}
	n := min(serverBatch, len(s.queue))
	batch := append([]*request(nil), s.queue[:n]...)
	s.queue, s.busy = s.queue[n:], true
	each := (w.facts.Full.Us16 - w.facts.Full.Us) / (serverBatch - 1) // of a frame more
	us := w.facts.Full.Us + float64(n-1)*each
	for _, r := range batch {
		us += w.facts.Forms[r.form].DecodeUs
	}
	w.on(at+micros(us), func(at time.Duration) {
		s.busy = false
		for _, r := range batch {
			w.reply(at, r)
		}
		w.serve(at)
	})
}

func (w *world) reply(at time.Duration, r *request) {
	bytes := answerBytes
	if r.listed > 1 {
		bytes += r.listed * rankedBytes
	}
	w.on(r.end.sendDown(at, bytes), r.back)
	if r.after != nil {
		r.after()
	}
}

// simulate runs a contender and returns the outcome of every frame.
func simulate(f *facts, tracks []evaluation.Track, c condition, factor float64, k contender, devices, frames int, seed uint64) (tally, error) {
	w := &world{facts: f, factor: factor}
	rng := rand.New(rand.NewPCG(seed, 0xed6e))
	kinds := k.kinds
	if kinds == nil {
		kinds = streamKinds
	}
	t := tally{frames: make([]outcome, 0, devices*frames)}
	for i := range devices {
		e := newEndpoint(w, c, seed*100+uint64(i)*10)
		w.ends = append(w.ends, e)
		d := newDevice(w, e, k, &t, seed*1000+uint64(i))
		d.kind = i % len(kinds)
		rows := evaluation.Draw(tracks, f.Classes, kinds[d.kind], frames, seed*1000+uint64(i))
		start := time.Duration(rng.Int64N(int64(framePeriod)))
		for n, row := range rows {
			at := start + time.Duration(n)*framePeriod
			w.on(at, func(at time.Duration) { d.frame(at, row) })
		}
		if d.probes() {
			for n := range frames * int(framePeriod) / int(offload.ProbeEvery) {
				w.on(time.Duration(n)*offload.ProbeEvery, d.probe)
			}
		}
	}
	w.play()
	for _, e := range w.ends {
		t.up, t.down = t.up+e.up, t.down+e.down
	}
	return t, w.err
}
