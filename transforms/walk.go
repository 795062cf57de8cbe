package transforms

import (
	"log/slog"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// walk takes the frames of one run through the policy, in order. What the small net says of a frame does not depend on
// the stream's state, so it answers several frames in one call before the policy looks at them one by one. With several
// specialists a frame may turn out to be another one's; then what the active one said ahead is wasted, and the next
// call reaches less far. A walk is used by one goroutine, for one run after the other, and keeps its buffers.
type walk struct {
	nets  *nets
	watch *Watch

	decoded struct { // what the run at hand took
		spent  time.Duration
		frames int
	}

	places []Place
	plan   plan
	looks  []look
	view   picture.View // of the specialist that is active in a step
	pixels []byte       // of the frames of the step that could be decoded, one after the other
	logits []float32    // of the same frames
	ahead  policy.Ahead
	single frameNets
	toss   toss

	done    schemas.Outcomes
	pending schemas.MissedRun
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

// look is one frame of a step.
type look struct {
	frame *schemas.Frame
	stage string // where an error was found; empty: none so far
	err   string
	row   int // its place in walk.pixels and among the answers ahead; -1: it was not decoded, since it will take the last answer
}

// run moves st through the frames. It returns the outcomes that are settled and the misses that the full-model
// transform has to answer; both belong to the caller.
func (w *walk) run(st *policy.State, frames []schemas.Frame) (schemas.Outcomes, schemas.MissedRun) {
	w.done, w.pending = schemas.Outcomes{Rows: make([]schemas.Outcome, 0, len(frames))}, schemas.MissedRun{}
	w.decoded.spent, w.decoded.frames = 0, 0
	if w.nets.policy.Routes() {
		w.route(frames)
		return w.done, w.pending
	}
	limit := models.MaxBatch
	if w.suspicious(frames) {
		limit = 1 // a process may have crashed on one of them: the next death has to name it alone
	}
	active, bypassed := w.nets.policy.Next(st)
	for reach := limit; len(frames) > 0; {
		n := min(reach, len(frames))
		frames = frames[w.step(st, active, bypassed, frames[:n]):]
		before := active
		active, bypassed = w.nets.policy.Next(st)
		if reach = min(2*reach, limit); active != before {
			reach = 1
		}
	}
	return w.done, w.pending
}

func (w *walk) suspicious(frames []schemas.Frame) bool {
	for i := range frames {
		if w.watch.suspect(Place{frames[i].Partition, frames[i].Offset}) {
			return true
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

// step takes frames through the policy that the active specialist answers in one call, unless the stream is bypassed. It
// returns how many were decided: less than all where a frame that was not decoded has to be after all.
func (w *walk) step(st *policy.State, active int, bypassed bool, frames []schemas.Frame) (decided int) {
	w.plan.look(w.nets.policy, st, frames)
	w.places = w.places[:0]
	for i := range frames {
		w.places = append(w.places, Place{frames[i].Partition, frames[i].Offset})
	}
	w.watch.look(w.places, func() {
		each := w.ask(active, bypassed, frames)
		for decided < len(w.looks) && w.decide(st, decided, each) {
			decided++
		}
	})
	return decided
}

// ask decodes frames and asks the active specialist about them, if one is asked at all. It returns the time it took
// for each.
func (w *walk) ask(active int, bypassed bool, frames []schemas.Frame) (each float32) {
	n := w.nets
	if n.policy.Kind == policy.Full || bypassed {
		w.decode(frames, n.see(n.pack.Full))
		w.ahead = policy.Ahead{Of: -1, Rest: &w.single}
		return 0
	}
	return w.answer(active, w.decode(frames, n.see(n.pack.Specialists[active])))
}

// decode turns frames into pixels and returns how many could be decoded.
func (w *walk) decode(frames []schemas.Frame, view picture.View) (decoded int) {
	begun := time.Now()
	w.view, w.looks = view, w.looks[:0]
	w.pixels = slices.Grow(w.pixels[:0], len(frames)*view.Bytes())
	for i := range frames {
		l := look{frame: &frames[i], row: decoded}
		end := len(w.pixels)
		if l.frame.Fault != "" {
			l.stage, l.err = schemas.StageRead, l.frame.Fault
		} else if w.plan.repeats(i) {
			l.row = -1
		} else if err := picture.Decode(w.pixels[end:end+view.Bytes()], l.frame, view); err != nil {
			l.stage, l.err = schemas.StageDecode, err.Error()
		} else {
			w.pixels = w.pixels[:end+view.Bytes()]
			decoded++
		}
		w.looks = append(w.looks, l)
	}
	w.decoded.spent += time.Since(begun)
	w.decoded.frames += decoded
	return decoded
}

// answer asks specialist i about the decoded frames, and returns the time it took for each. Where that fails the
// policy asks about each frame alone, so that one frame does not cost the others.
func (w *walk) answer(i, frames int) (each float32) {
	n := w.nets
	w.ahead = policy.Ahead{Of: i, Outputs: n.pack.Specialists[i].Outputs(len(n.pack.Classes)), Rest: &w.single}
	if frames < 2 {
		return 0
	}
	w.logits = slices.Grow(w.logits[:0], frames*w.ahead.Outputs)[:frames*w.ahead.Outputs]
	took, err := n.sessions.Answer(w.logits, n.names[i], n.pack.Specialists[i], w.pixels, frames)
	if err != nil {
		return 0
	}
	w.ahead.Logits = w.logits
	return micros(took) / float32(frames)
}

// decide settles frame i of the step, or leaves it to the full-model transform. It reports false, and does nothing, where
// the frame has to be decoded first.
func (w *walk) decide(st *policy.State, i int, each float32) bool {
	n, l, size := w.nets, &w.looks[i], w.view.Bytes()
	f, glance := l.frame, w.plan.glance(i)
	out := n.blank(f)
	if l.stage != "" {
		w.done.Rows = append(w.done.Rows, failed(out, l.stage, l.err))
		return true
	}
	same := w.plan.on() && st.Follows(f.Partition, f.Offset) && n.policy.Repeats(st, glance)
	if l.row < 0 && !same {
		return false
	}
	learn := st.Newer(f.Partition, f.Offset)
	if same {
		w.repeat(st, f, glance, out)
		return true
	}
	w.ahead.Frame = l.row
	w.single.show(f, w.view, w.pixels[l.row*size:(l.row+1)*size], each)
	d, err := n.policy.DecideAudited(st, &w.ahead, learn, w.toss.of(f))
	out.SpecialistUs, out.SelectorUs, out.FullUs = w.single.specialistUs, w.single.selectorUs, w.single.fullUs
	out.HitRateWindow = st.HitRate
	if err != nil {
		w.done.Rows = append(w.done.Rows, failed(out, schemas.StageLookup, err.Error()))
		return true
	}
	if learn {
		n.policy.Answered(st, glance, d)
	}
	out.CacheEvent, out.Threshold = d.CacheEvent, d.Threshold
	w.tell(&out)
	switch {
	case d.Hit:
		out.Outcome = schemas.Hit
		n.answer(&out, d.Answer, n.names[d.Specialist])
		if w.audited(&out, d) {
			w.pending.Frames = append(w.pending.Frames, schemas.Missed{Outcome: out, Frame: *f})
			return true
		}
	case d.Answered:
		n.small(&out, d)
		n.answer(&out, d.Answer, models.FullNet)
	default:
		n.small(&out, d)
		n.provide(&out, d)
		w.pending.Frames = append(w.pending.Frames, schemas.Missed{Outcome: out, Frame: *f})
		return true
	}
	w.done.Rows = append(w.done.Rows, out)
	return true
}

// provide gives a miss that the full-model transform will answer an answer for the time being: the small net's, or the
// selector's, which knows all classes, where that one is surer.
func (n *nets) provide(out *schemas.Outcome, d policy.Decision) {
	small := d.Asked && d.Small.Class >= 0
	switch {
	case !n.provisional:
		return
	case small && d.Small.Confidence >= d.Selected.Confidence:
		n.answer(out, d.Small, n.names[d.Specialist])
	case d.Selected.Confidence > 0:
		n.answer(out, d.Selected, models.SelectorNet)
	default:
		return
	}
	out.Provisional = true
}

// audited puts into the row what became of its audit. It reports whether the full-model transform has yet to be
// asked.
func (w *walk) audited(out *schemas.Outcome, d policy.Decision) (pending bool) {
	out.AuditRate, out.Audited = d.AuditRate, d.Audited
	if d.AuditClass >= 0 {
		out.AuditLabel = w.nets.pack.Classes[d.AuditClass]
	}
	if d.AuditErr != nil {
		slog.Warn("an answer could not be audited", "stream", out.Stream, "partition", out.Partition, "offset", out.Offset, "error", d.AuditErr)
	}
	return d.Audited && w.nets.policy.Teacher == policy.Selector
}

// tell logs what audits made the stream do. Only a drift is for everybody: the others come and go.
func (w *walk) tell(out *schemas.Outcome) {
	switch out.CacheEvent {
	case schemas.TrustDrift:
		slog.Warn("the small net was wrong on and on: the full model answers this stream until it was right often enough", "stream", out.Stream, "partition", out.Partition, "offset", out.Offset)
	case schemas.TrustStricter, schemas.TrustBypass, schemas.TrustReturn:
		slog.Info("trust", "stream", out.Stream, "event", out.CacheEvent, "partition", out.Partition, "offset", out.Offset)
	}
}
