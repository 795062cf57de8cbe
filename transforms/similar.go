package transforms

import (
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// plan says which frames of a step need not be decoded, as they will take the answer of the frame before. It looks ahead as if no
// answer changed; where one does, what is decided counts, and the step ends at the first frame that has to be decoded.
type plan struct {
	frames []planned // empty where no answers are repeated
	ahead  policy.State
}

type planned struct {
	glance policy.Glance
	same   bool
}

// look plans a step of the stream.
func (l *plan) look(p *policy.Policy, st *policy.State, frames []schemas.Frame) {
	l.frames = l.frames[:0]
	if p.Similar <= 0 {
		return
	}
	l.ahead = *st // what is moved in the copy is no part of the stream's slices
	for i := range frames {
		f := &frames[i]
		var next planned
		if f.Fault == "" {
			next.glance = models.Glance(f)
			if l.ahead.Newer(f.Partition, f.Offset) {
				next.same = p.Repeats(&l.ahead, next.glance)
				p.Expect(&l.ahead, next.glance)
			}
		}
		l.frames = append(l.frames, next)
	}
}

func (l *plan) on() bool { return len(l.frames) > 0 }

// repeats reports whether frame i of the step will take the answer of the one before.
func (l *plan) repeats(i int) bool { return l.on() && l.frames[i].same }

func (l *plan) glance(i int) policy.Glance {
	if !l.on() {
		return policy.Glance{}
	}
	return l.frames[i].glance
}

// repeat settles a frame that takes the answer of the last one.
func (w *walk) repeat(st *policy.State, l *look, out schemas.Outcome) verdict {
	d := w.nets.policy.Repeat(st, l.glance, &w.single, w.toss.of(l.frame))
	if w.single.wanted {
		st.Set(&w.before)
		return wanted
	}
	out.Outcome, out.HitRateWindow, out.Threshold, out.CacheEvent, out.FullUs = schemas.Same, st.HitRate, d.Threshold, d.CacheEvent, w.single.fullUs
	net := models.FullNet
	if d.Specialist >= 0 {
		net = w.nets.names[d.Specialist]
	}
	w.nets.answer(&out, d.Answer, net)
	if w.audited(&out, d) {
		w.pending.Frames = append(w.pending.Frames, schemas.Missed{Outcome: out, Frame: *l.frame})
		return settled
	}
	w.done.Rows = append(w.done.Rows, out)
	return settled
}
