package transforms

import (
	"cmp"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

// ask decodes the frames of the step and asks the specialists about them, in calls of as many as one takes.
func (w *walk) ask() {
	bytes, outputs := 0, 0
	w.order = w.order[:0]
	for i := range w.looks {
		l := &w.looks[i]
		w.order = append(w.order, i)
		bytes += l.view.Bytes()
		outputs += w.outputs(l.net)
	}
	slices.SortStableFunc(w.order, func(a, b int) int { return cmp.Compare(w.looks[a].net, w.looks[b].net) })
	w.pixels, w.logits = slices.Grow(w.pixels[:0], bytes), slices.Grow(w.logits[:0], outputs)
	for rest := w.order; len(rest) > 0; {
		net, n := w.looks[rest[0]].net, 1
		for n < min(len(rest), w.limit) && w.looks[rest[n]].net == net {
			n++
		}
		w.marked(rest[:n], func() { w.answer(net, rest[:n]) })
		rest = rest[n:]
	}
}

// outputs is how many logits a specialist has; -1 stands for none.
func (w *walk) outputs(net int) int {
	if net < 0 {
		return 0
	}
	return w.nets.pack.Specialists[net].Outputs(len(w.nets.pack.Classes))
}

// marked calls do with the frames at places in looks marked as being looked at.
func (w *walk) marked(at []int, do func()) {
	w.places = w.places[:0]
	for _, i := range at {
		w.places = append(w.places, Place{w.looks[i].frame.Partition, w.looks[i].frame.Offset})
	}
	w.watch.look(w.places, do)
}

// answer decodes frames that one specialist looks at, and asks it. Where that fails the policy asks about each frame
// alone, so that one frame does not cost the others.
func (w *walk) answer(net int, at []int) {
	from, decoded := len(w.pixels), w.decode(at)
	if net < 0 || decoded == 0 {
		return
	}
	n, outputs, first := w.nets, w.outputs(net), len(w.logits)
	w.logits = w.logits[:first+decoded*outputs]
	took, err := n.sessions.Answer(w.logits[first:], n.names[net], n.pack.Specialists[net], w.pixels[from:], decoded)
	if err != nil {
		return
	}
	w.small.add(took, decoded)
	each := micros(took) / float32(decoded)
	for _, i := range at {
		if l := &w.looks[i]; l.stage == "" && !l.skipped {
			l.logits, l.each = w.logits[first:first+outputs], each
			first += outputs
		}
	}
}

// decode appends the pixels of frames to those of the step, and returns how many could be decoded.
func (w *walk) decode(at []int) (decoded int) {
	begun := time.Now()
	for _, i := range at {
		l := &w.looks[i]
		end := len(w.pixels)
		pixels := w.pixels[end : end+l.view.Bytes()]
		if l.frame.Fault != "" {
			l.stage, l.err = schemas.StageRead, l.frame.Fault
		} else if l.skipped {
			continue
		} else if err := picture.Decode(pixels, l.frame, l.view); err != nil {
			l.stage, l.err = schemas.StageDecode, err.Error()
		} else {
			l.pixels, w.pixels = pixels, w.pixels[:end+len(pixels)]
			decoded++
		}
	}
	w.decoded.add(time.Since(begun), decoded)
	return decoded
}

// askFull asks the full model about the frames that it has to answer.
func (w *walk) askFull() {
	size, outputs := w.nets.see(w.nets.pack.Full).Bytes(), len(w.nets.pack.Classes)
	w.fullLogits = slices.Grow(w.fullLogits[:0], len(w.wanted)*outputs)[:len(w.wanted)*outputs]
	most := w.nets.pack.FullOn.Batch()
	if w.limit == 1 {
		most = 1
	}
	w.fullPixels = slices.Grow(w.fullPixels[:0], min(most, len(w.wanted))*size)
	for rest, logits := w.wanted, w.fullLogits; len(rest) > 0; {
		n := min(most, len(rest))
		w.marked(rest[:n], func() { w.answerFull(rest[:n], logits[:n*outputs]) })
		rest, logits = rest[n:], logits[n*outputs:]
	}
}

// answerFull is one call of the full model. Where it fails for several frames each is tried alone.
func (w *walk) answerFull(at []int, logits []float32) {
	asked := at[:0:0]
	w.fullPixels = w.fullPixels[:0]
	for _, i := range at {
		l := &w.looks[i]
		l.asked = true
		if l.stage != "" { // it cannot be decoded
			continue
		}
		pixels, err := w.seenByFull(l)
		if err != nil {
			l.full = fullAnswer{err: err}
			continue
		}
		w.fullPixels, asked = append(w.fullPixels, pixels...), append(asked, i)
	}
	if len(asked) == 0 {
		return
	}
	outputs := len(logits) / len(at)
	took, err := w.nets.sessions.Answer(logits[:len(asked)*outputs], models.FullNet, w.nets.pack.Full, w.fullPixels, len(asked))
	if err != nil && len(asked) > 1 {
		for k := range asked {
			w.answerFull(asked[k:k+1], logits[k*outputs:(k+1)*outputs])
		}
		return
	}
	w.full.add(took, len(asked))
	for k, i := range asked {
		w.looks[i].full = fullAnswer{logits: logits[k*outputs : (k+1)*outputs], us: micros(took) / float32(len(asked)), err: err}
	}
}

// seenByFull returns a frame as the full model looks at it, valid until the next call.
func (w *walk) seenByFull(l *look) ([]byte, error) {
	view := w.nets.see(w.nets.pack.Full)
	if l.view == view && !l.skipped {
		return l.pixels, nil
	}
	w.single.show(l)
	return w.single.others.Pixels(view)
}
