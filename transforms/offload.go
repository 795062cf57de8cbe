package transforms

import (
	"cmp"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// offload chooses, on a device, for each frame that its small nets did not settle: it stays in pending, to be sent to the
// server, or its row is added to done. An audited hit has its answer; that nobody is asked is no choice for it.
func (fn *lookupFn) offload(done *schemas.Outcomes, pending *schemas.MissedRun) {
	if fn.walk.nets.policy.Teacher != policy.Feedback {
		return
	}
	asked, here, now := pending.Frames[:0], []schemas.Missed(nil), time.Now()
	for _, m := range pending.Frames {
		out := &m.Outcome
		choice := fn.device.Miss(now, int(m.Frame.Size()))
		switch {
		case choice.Action == offload.Here:
			out.Offload = schemas.OffloadHere
			here = append(here, m)
			continue
		case choice.Action == offload.Alone && out.Outcome == schemas.Miss && fn.walk.stand(&m):
			done.Rows = append(done.Rows, *out)
			continue
		}
		if out.Offload = schemas.OffloadAsk; m.Frame.Form == schemas.FormInput {
			out.Offload = schemas.OffloadInput
		}
		if out.Outcome == schemas.Miss && !out.Provisional { // what was there in case nobody would be asked
			out.Label, out.Confidence, out.Entropy, out.Model, out.ModelSHA256 = "", 0, 0, "", ""
		}
		m.Patience = choice.Patience
		asked = append(asked, m)
	}
	clear(pending.Frames[len(asked):])
	pending.Frames = asked
	done.Rows = append(done.Rows, fn.here(here)...)
}

// here asks the full model on the device, and lets the streams learn from it.
func (fn *lookupFn) here(frames []schemas.Missed) (rows []schemas.Outcome) {
	n, most := fn.walk.nets, fn.walk.nets.pack.FullOn.Batch()
	for batch := range slices.Chunk(frames, most) {
		blank, said := make([]schemas.Missed, len(batch)), make([][]float32, len(batch))
		fn.asker.told = func(place int, logits []float32) {
			if q, err := policy.Probabilities(logits, n.pack.Full.Temperature); err == nil {
				said[place] = q
			}
		}
		for i := range batch {
			blank[i] = schemas.Missed{Outcome: n.blank(&batch[i].Frame), Frame: batch[i].Frame}
		}
		for i, full := range n.answerBatch(blank, fn.session, fn.asker).Rows {
			fn.device.Answered(duration(full.FullUs))
			rows = append(rows, fn.settle(fn.strands[fn.place[full.Stream]].st, &schemas.Answer{Row: batch[i].Outcome, Full: full}, said[i]))
		}
	}
	return rows
}

// settle lets a stream learn from an answer of the full model, whose distribution is q or else not known, and returns the
// frame's row.
func (fn *lookupFn) settle(st *policy.State, a *schemas.Answer, q []float32) schemas.Outcome {
	n := fn.walk.nets
	if q == nil {
		q = n.stated(&a.Full)
	}
	out := n.answered(a)
	n.fuse(&out, st, q)
	event := n.teach(st, a, q)
	if out.Outcome == schemas.Miss {
		out.HitRateWindow = st.HitRate
	}
	if event != schemas.CacheNone && out.CacheEvent != schemas.CacheStall {
		out.CacheEvent = event
		fn.walk.tell(&out)
	}
	return out
}

// stand makes the row of a miss of the small nets' answer, or of the selector's where they have none. It reports whether
// there is one.
func (w *walk) stand(m *schemas.Missed) bool {
	n, out := w.nets, &m.Outcome
	if out.Label == "" && n.pack.Selector != nil {
		w.single.show(&look{frame: &m.Frame, skipped: true})
		logits, err := w.single.Selector()
		if err != nil {
			return false
		}
		a, err := policy.Read(logits, n.pack.Selector.Temperature)
		if err != nil {
			return false
		}
		out.SelectorUs += w.single.selectorUs
		n.answer(out, a, models.SelectorNet)
	}
	if out.Label == "" {
		return false
	}
	out.Offload, out.Degraded = schemas.OffloadAlone, true
	return true
}

// sent is a frame as it is sent to a server: what the full model's input shows of it, where that is fewer bytes than the
// frame. It costs no accuracy, as the server would crop and resize the frame to just that.
func (w *walk) sent(f *schemas.Frame) schemas.Frame {
	n, view := w.nets, w.nets.see(w.nets.pack.Full)
	if !n.shrinks || n.policy.Teacher != policy.Feedback || view.Bytes() >= len(f.Image) || n.otherServer.Load() {
		return *f
	}
	pixels, err := w.seenByFull(w.single.look)
	if err != nil {
		return *f // the server says what is wrong with it
	}
	small := *f
	small.Image, small.ContentType, small.Form = slices.Clone(pixels), schemas.RGB8, schemas.FormInput
	small.Width, small.Height = int32(view.Width), int32(view.Height)
	return small
}

// answeredBy notes which full model answers. Where it is not this pack's its input may be another one, and frames are sent as they
// are from then on.
func (n *nets) answeredBy(full *schemas.Outcome) {
	if sha := cmp.Or(full.ModelSHA256, n.sha[models.FullNet]); sha != n.sha[models.FullNet] {
		n.otherServer.Store(true)
	}
}

// TimeFull measures what the full model takes for a frame on this machine: 0 where the pack is a server's, and the full
// model stays there.
func (m Model) TimeFull() (time.Duration, error) {
	n, err := m.open()
	if err != nil || n.sessions.Remote() {
		return 0, err
	}
	pixels := make([]byte, n.see(n.pack.Full).Bytes())
	least := time.Duration(0)
	for range 3 { // the first one loads it
		_, took, err := n.sessions.Run(models.FullNet, n.pack.Full, pixels, 1)
		if err != nil {
			return 0, err
		}
		if least == 0 || took < least {
			least = took
		}
	}
	return least, nil
}
