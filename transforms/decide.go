package transforms

import (
	"context"
	"log/slog"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// verdict is the result of deciding a frame.
type verdict int

const (
	settled   verdict = iota // it has its row, or is left to the full-model transform
	wanted                   // the full model has to be asked first
	undecoded                // it has to be decoded after all
)

// advance decides frames of a strand, up to the end of its step or to one that the full model has to answer first. The step
// ends at a frame that was not decoded and has to be.
func (w *walk) advance(s *strand) {
	if s.at == s.end {
		return
	}
	w.places = w.places[:0]
	for i := s.at; i < s.end; i++ {
		w.places = append(w.places, Place{w.looks[i].frame.Partition, w.looks[i].frame.Offset})
	}
	w.watch.look(w.places, func() {
		for ; s.at < s.end; s.at++ {
			switch w.decide(s.st, &w.looks[s.at]) {
			case wanted:
				w.wanted = append(w.wanted, s.at)
				return
			case undecoded:
				s.frames, s.end = s.step[s.at-s.from:], s.at
				return
			}
		}
	})
}

// decide settles one frame, or leaves it to the full-model transform. Where it does not, the state is as it was.
func (w *walk) decide(st *policy.State, l *look) verdict {
	n, f := w.nets, l.frame
	out := n.blank(f)
	if l.stage != "" {
		w.done.Rows = append(w.done.Rows, failed(out, l.stage, l.err))
		return settled
	}
	same := n.policy.Similar > 0 && st.Follows(f.Partition, f.Offset) && n.policy.Repeats(st, l.glance)
	if l.skipped && !same {
		return undecoded
	}
	if !l.asked {
		w.before.Set(st)
	}
	w.single.show(l)
	learn := st.Newer(f.Partition, f.Offset)
	if same {
		return w.repeat(st, l, out)
	}
	w.ahead = policy.Ahead{Of: l.net, Logits: l.logits, Outputs: len(l.logits), Rest: &w.single}
	if l.logits == nil {
		w.ahead.Of = -1
	}
	d, err := n.policy.DecideAudited(st, &w.ahead, learn, w.toss.of(f))
	if w.single.wanted {
		st.Set(&w.before)
		return wanted
	}
	out.SpecialistUs, out.SelectorUs, out.FullUs = w.single.specialistUs, w.single.selectorUs, w.single.fullUs
	w.alone(l)
	out.HitRateWindow = st.HitRate
	if err != nil {
		w.done.Rows = append(w.done.Rows, failed(out, schemas.StageLookup, err.Error()))
		return settled
	}
	if learn {
		n.policy.Answered(st, l.glance, d)
	}
	out.CacheEvent, out.Threshold = d.CacheEvent, d.Threshold
	w.want(&out, st, d)
	w.tell(&out)
	w.settle(out, d, f)
	return settled
}

// want asks for the nets that the frame needed and that are not here, and for the one that the stream may need next. The frame
// does not wait for them.
func (w *walk) want(out *schemas.Outcome, st *policy.State, d policy.Decision) {
	n := w.nets
	if d.Hit || !n.sessions.Remote() {
		return
	}
	for _, name := range w.single.absent {
		n.sessions.Want(name)
	}
	if len(w.single.absent) > 0 && out.CacheEvent == schemas.CacheNone {
		out.CacheEvent = schemas.CacheStall
	}
	if i := n.policy.Likely(st, func(i int) bool { return !n.sessions.Here(n.names[i]) }); i >= 0 {
		n.sessions.Expect(n.names[i])
	}
}

// settle makes a row of a decision, or a miss that has yet to be answered.
func (w *walk) settle(out schemas.Outcome, d policy.Decision, f *schemas.Frame) {
	n := w.nets
	switch {
	case d.Hit:
		out.Outcome = schemas.Hit
		n.answer(&out, d.Answer, n.names[d.Specialist])
		if w.audited(&out, d) {
			w.pending.Frames = append(w.pending.Frames, schemas.Missed{Outcome: out, Frame: w.sent(f)})
			return
		}
	case d.Answered:
		n.small(&out, d)
		n.answer(&out, d.Answer, models.FullNet)
	default:
		n.small(&out, d)
		w.classify(&out, &d)
		n.provide(&out, d)
		w.pending.Frames = append(w.pending.Frames, schemas.Missed{Outcome: out, Frame: w.sent(f)})
		return
	}
	w.done.Rows = append(w.done.Rows, out)
}

// classify asks the selector about a miss that needs an answer for the time being, where nothing else here has one: with a
// server as the teacher the policy does not ask it.
func (w *walk) classify(out *schemas.Outcome, d *policy.Decision) {
	n := w.nets
	if !n.provisional || n.policy.Teacher != policy.Feedback || n.pack.Selector == nil || d.Asked && d.Small.Class >= 0 {
		return
	}
	logits, err := w.single.Selector()
	if err != nil {
		return // there is no such answer, and the server is asked anyway
	}
	if a, err := policy.Read(logits, n.pack.Selector.Temperature); err == nil {
		d.Selected, out.SelectorUs = a, w.single.selectorUs
	}
}

// provide gives a miss that the full model will answer an answer for the time being, or in case nobody will be asked: the
// small net's, or the selector's, which knows all classes, where that one is surer.
func (n *nets) provide(out *schemas.Outcome, d policy.Decision) {
	small := d.Asked && d.Small.Class >= 0
	switch {
	case !n.provisional && !n.spares:
		return
	case small && d.Small.Confidence >= d.Selected.Confidence:
		n.answer(out, d.Small, n.names[d.Specialist])
	case d.Selected.Confidence > 0:
		n.answer(out, d.Selected, models.SelectorNet)
	default:
		return
	}
	out.Provisional = n.provisional
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
	return d.Audited && w.nets.policy.Teacher != policy.Inline
}

// tell logs what audits made the stream do. With a limit on false hits a drift is for everybody: who set the limit has
// to know which stream does not keep it. Otherwise rows, metrics and the report count these events.
func (w *walk) tell(out *schemas.Outcome) {
	level := slog.LevelInfo
	switch out.CacheEvent {
	case schemas.TrustDrift:
		if w.nets.policy.MaxFalseHits > 0 {
			level = slog.LevelWarn
		}
	case schemas.TrustStricter, schemas.TrustBypass, schemas.TrustReturn:
	default:
		return
	}
	slog.Log(context.Background(), level, "audits changed who answers this stream", "stream", out.Stream, "event", out.CacheEvent, "partition", out.Partition, "offset", out.Offset)
}
