package transforms

import (
	"slices"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// openStrands is how many streams a walk takes forward at once: enough for full batches, few enough for their pixels to
// stay in the processor's cache.
const openStrands = 32

// A step takes as many frames of each stream as share these, but no fewer than fill a call of a small net: streams that wait for the full
// model meet others that do, and the longer the step, the more of them share a call of it. Their pixels fit into a processor's cache. With
// several specialists it takes no more than fill a call, since what one of them said ahead may be wasted.
const (
	stepFrames = 1024
	stepBytes  = 4 << 20
)

// leastEarly is how many settled outcomes are worth a request of their own to Kafka: fewer wait for the others of their bundle.
const leastEarly = 4

// walk takes the frames of some streams through the policy, each stream's in order. What the small net says of a frame
// does not depend on the stream's state, so it answers up to 16 frames of one stream or of several in one call before the
// policy looks at them one by one (ask.go). With several specialists a frame may turn out to be another one's; then what
// the active one said ahead is wasted, and the stream's next step reaches less far. A stream that needs the full model's
// answer to go on waits until the others need one too, or have come to the end of their step (decide.go): misses and
// audits share calls. A walk is used by one goroutine, and keeps its buffers.
type walk struct {
	nets  *nets
	watch *Watch

	decoded, small, selector, full turns // of the last run

	limit  int // frames in a call of a small net
	open   []*strand
	looks  []look // of the step at hand, a strand's one after the other
	plan   plan
	order  []int // places in looks, those of one net next to each other
	wanted []int // places in looks of frames that the full model has to answer before their streams can go on
	places []Place
	pixels []byte
	logits []float32

	fullPixels []byte
	fullLogits []float32

	before policy.State // of the stream at hand, before the frame at hand
	ahead  policy.Ahead
	single frameNets
	toss   toss

	done    schemas.Outcomes
	pending schemas.MissedRun
	handed  int                     // of done, that were given to early
	early   func([]schemas.Outcome) // takes what is settled before the full model is asked; nil: run returns everything
}

func newWalk(n *nets, watch *Watch) *walk {
	return &walk{nets: n, watch: watch, single: frameNets{nets: n}, toss: toss{coin: n.coin()}}
}

// toss is the policy's coin for the frame at hand.
type toss struct {
	coin  *audit.Coin // nil: none
	frame *schemas.Frame
}

func (t *toss) Toss() uint64 { return t.coin.Toss(t.frame.Topic, t.frame.Partition, t.frame.Offset) }

// of returns the coin of a frame, nil where nothing is audited.
func (t *toss) of(f *schemas.Frame) policy.Coin {
	if t.coin == nil {
		return nil
	}
	t.frame = f
	return t
}

// strand is one stream's frames in a walk.
type strand struct {
	stream string
	st     *policy.State
	frames []schemas.Frame // that no step has taken yet

	answers []schemas.Answer // to frames of earlier bundles, see learnAnswers

	step []schemas.Frame // those of the step at hand, and all behind it

	reach    int  // how many the next step may take
	active   int  // specialist that looks at them
	bypassed bool // the full model answers without it
	from     int  // places in walk.looks of the first frame of the step,
	at, end  int  // of the next one to be decided, and behind the last one
}

// look is one frame of a step.
type look struct {
	frame *schemas.Frame
	stage string // where an error was found; empty: none so far
	err   string

	glance  policy.Glance // at a frame that may take the last answer
	skipped bool          // it was not decoded, since it will

	net    int          // specialist that is asked about it ahead; -1: none is
	view   picture.View // how that net, or else the full model, looks at it
	pixels []byte
	logits []float32 // the specialist's answer; nil: it has to be asked alone
	each   float32   // time that took, µs

	asked bool // the full model was asked
	full  fullAnswer
}

// fullAnswer is what the full model said of a frame.
type fullAnswer struct {
	logits []float32
	us     float32
	err    error
}

// run moves each strand's state through its frames, and returns the outcomes that are settled and the misses that the
// full-model transform has to answer; both belong to the caller. What early was given is not returned again. No stream
// may have two strands.
func (w *walk) run(strands []strand) (schemas.Outcomes, schemas.MissedRun) {
	frames := 0
	for i := range strands {
		frames += len(strands[i].frames)
	}
	w.handed = 0
	w.done, w.pending = schemas.Outcomes{Rows: make([]schemas.Outcome, 0, frames)}, schemas.MissedRun{}
	w.decoded, w.small, w.selector, w.full = turns{}, turns{}, turns{}, turns{}
	if w.nets.policy.Routes() {
		for i := range strands {
			w.route(strands[i].frames)
		}
		return w.done, w.pending
	}
	w.limit = models.MaxBatch
	if w.suspicious(strands) {
		w.limit = 1 // a process may have crashed on one of them: the next death has to name it alone
	}
	for w.open = w.open[:0]; len(strands) > 0 || len(w.open) > 0; {
		for len(strands) > 0 && len(w.open) < openStrands {
			s := &strands[0]
			s.reach = stepFrames
			s.active, s.bypassed = w.nets.policy.Next(s.st)
			w.open, strands = append(w.open, s), strands[1:]
		}
		w.step()
		w.open = slices.DeleteFunc(w.open, func(s *strand) bool { return len(s.frames) == 0 })
	}
	w.done.Rows = w.done.Rows[w.handed:]
	return w.done, w.pending
}

// handOver passes on what is settled when the full model has to be asked about other streams' frames: a call of it takes as
// long as many hits together, which should not wait for it.
func (w *walk) handOver() {
	if n := len(w.done.Rows); w.early != nil && len(w.wanted) > 0 && n >= w.handed+leastEarly {
		w.early(w.done.Rows[w.handed:n:n])
		w.handed = n
	}
}

func (w *walk) suspicious(strands []strand) bool {
	for i := range strands {
		for k := range strands[i].frames {
			if f := &strands[i].frames[k]; w.watch.suspect(Place{f.Partition, f.Offset}) {
				return true
			}
		}
	}
	return false
}

// route passes on frames that no net here has to look at.
func (w *walk) route(frames []schemas.Frame) {
	for i := range frames {
		f := &frames[i]
		if f.Fault != "" {
			w.done.Rows = append(w.done.Rows, failed(w.nets.blank(f), schemas.StageRead, f.Fault))
			continue
		}
		w.pending.Frames = append(w.pending.Frames, schemas.Missed{Outcome: w.nets.blank(f), Frame: *f})
	}
}

// step takes the next frames of every open strand through the policy.
func (w *walk) step() {
	w.take()
	w.ask()
	w.wanted = w.wanted[:0]
	if w.nets.policy.Kind == policy.Full { // it answers all, whatever becomes of the streams
		for i := range w.looks {
			if !w.looks[i].skipped && w.single.known == nil {
				w.wanted = append(w.wanted, i)
			}
		}
		w.askFull()
	}
	for more := true; more; more = len(w.wanted) > 0 {
		w.wanted = w.wanted[:0]
		for _, s := range w.open {
			w.advance(s)
		}
		w.handOver()
		w.askFull()
	}
	for _, s := range w.open {
		before := s.active
		s.active, s.bypassed = w.nets.policy.Next(s.st)
		if s.reach = min(2*s.reach, stepFrames); s.active != before {
			s.reach = 1
		}
	}
}

// share is how many frames of one stream a step takes.
func (w *walk) share(v picture.View) int {
	if w.limit == 1 || len(w.nets.pack.Specialists) > 1 {
		return w.limit
	}
	return max(w.limit, min(stepFrames, stepBytes/v.Bytes())/len(w.open))
}

// take makes looks of the next frames.
func (w *walk) take() {
	w.looks = w.looks[:0]
	for _, s := range w.open {
		l := look{net: s.active, view: w.nets.see(w.nets.pack.Full)}
		if w.nets.policy.Kind == policy.Full || s.bypassed {
			l.net = -1
		} else {
			l.view = w.nets.see(w.nets.pack.Specialists[s.active])
		}
		n := min(s.reach, len(s.frames), w.share(l.view))
		w.plan.look(w.nets.policy, s.st, s.frames[:n])
		s.from, s.at, s.step = len(w.looks), len(w.looks), s.frames
		for i := range n {
			l.frame, l.glance, l.skipped = &s.frames[i], w.plan.glance(i), w.plan.repeats(i)
			w.looks = append(w.looks, l)
		}
		s.end, s.frames = len(w.looks), s.frames[n:]
	}
}
