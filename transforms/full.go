package transforms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn4x0[context.Context, beam.EventTime, schemas.MissedRun, func(beam.EventTime, schemas.Outcomes)](&fullFn{})
	register.Emitter2[beam.EventTime, schemas.Outcomes]()
}

// FullModel answers misses: PCollection<schemas.MissedRun> to PCollection<schemas.Outcomes>. Misses of all
// streams of a bundle share batches.
func FullModel(s beam.Scope, m Model, misses beam.PCollection) beam.PCollection {
	s = s.Scope("transforms.FullModel")
	return beam.ParDo(s, &fullFn{Model: m}, misses)
}

type fullFn struct {
	Model Model

	session *session.Session
	nets    *nets
	watch   *Watch
	asker   *asker
	batch   []schemas.Missed
	at      beam.EventTime
}

// Setup opens the pack.
func (fn *fullFn) Setup() (err error) {
	if fn.session, _, fn.watch, err = attached(fn.Model.Job); err != nil {
		return fmt.Errorf("answer misses: %w", err)
	}
	if fn.nets, err = fn.Model.open(); err != nil {
		return err
	}
	fn.asker, err = session.Part(fn.session, "transforms.asker", func() (*asker, error) {
		return &asker{net: fn.nets.fullNet(fn.session), limit: fn.Model.FullTimeout}, nil
	})
	return err
}

// StartBundle forgets what a failed bundle left behind.
func (fn *fullFn) StartBundle(ctx context.Context, _ func(beam.EventTime, schemas.Outcomes)) {
	fn.batch = fn.batch[:0]
	beginBundle(ctx, fn.session)
}

// ProcessElement gathers misses and runs the model when a batch is full. A frame that may have killed an
// earlier process is answered alone.
func (fn *fullFn) ProcessElement(ctx context.Context, at beam.EventTime, misses schemas.MissedRun, emit func(beam.EventTime, schemas.Outcomes)) {
	fn.at = at
	for _, m := range misses.Frames {
		suspect := fn.watch.suspect(placeOf(&m.Outcome))
		if suspect && len(fn.batch) > 0 {
			fn.flush(ctx, emit)
		}
		fn.batch = append(fn.batch, m)
		if suspect || len(fn.batch) == fn.nets.pack.FullOn.Batch() {
			fn.flush(ctx, emit)
		}
	}
}

// FinishBundle answers what is left; the event time is that of the last element, since a bundle has none.
func (fn *fullFn) FinishBundle(ctx context.Context, emit func(beam.EventTime, schemas.Outcomes)) {
	defer endBundle(ctx, fn.session)
	if len(fn.batch) > 0 {
		fn.flush(ctx, emit)
	}
}

func (fn *fullFn) flush(ctx context.Context, emit func(beam.EventTime, schemas.Outcomes)) {
	places := make([]Place, len(fn.batch))
	for i := range fn.batch {
		places[i] = placeOf(&fn.batch[i].Outcome)
	}
	var done schemas.Outcomes
	begun := time.Now()
	fn.watch.look(places, func() { done = fn.nets.answerBatch(fn.batch, fn.session, fn.asker) })
	traceFull(ctx, fn.session, begun, done.Rows)
	fn.session.Missed(-len(fn.batch))
	emitAt(&done, time.Now())
	emit(fn.at, done)
	clear(fn.batch) // the frames' bytes
	fn.batch = fn.batch[:0]
}

// answerBatch decodes misses and runs the full model over them. It reports the decoding time to the session.
func (n *nets) answerBatch(batch []schemas.Missed, job *session.Session, full *asker) schemas.Outcomes {
	begun := time.Now()
	done := schemas.Outcomes{Rows: make([]schemas.Outcome, len(batch))}
	view := n.see(n.pack.Full)
	pixels := make([]byte, len(batch)*view.Bytes())
	decoded := make([]int, 0, len(batch)) // places in batch
	before := known(job)
	for i := range batch {
		done.Rows[i] = batch[i].Outcome
		if n.recall(before, &done.Rows[i]) {
			continue
		}
		at := len(decoded) * view.Bytes()
		if err := picture.Decode(pixels[at:at+view.Bytes()], &batch[i].Frame, view); err != nil {
			done.Rows[i] = unanswered(batch[i].Outcome, schemas.StageDecode, err)
			continue
		}
		decoded = append(decoded, i)
	}
	job.Spent(session.StageDecode, time.Since(begun), len(decoded))
	n.fullOf(full, done.Rows, decoded, pixels[:len(decoded)*view.Bytes()])
	return done
}

// fullOf puts the full model's answers into the rows that places name, of whose pixels one follows the other. When the
// batch fails each frame is tried alone, so that one frame that the model cannot take does not cost the others.
func (n *nets) fullOf(full *asker, rows []schemas.Outcome, places []int, pixels []byte) {
	if len(places) == 0 {
		return
	}
	logits, took, err := full.ask(pixels, len(places))
	if err != nil && len(places) > 1 && !errors.Is(err, errAway) {
		size := len(pixels) / len(places)
		for i := range places {
			n.fullOf(full, rows, places[i:i+1], pixels[i*size:(i+1)*size])
		}
		return
	}
	k := len(n.pack.Classes)
	for i, place := range places {
		out := &rows[place]
		out.FullUs = micros(took) / float32(len(places))
		answer, unread := policy.Answer{}, err
		if err == nil {
			answer, unread = policy.Read(logits[i*k:(i+1)*k], n.pack.Full.Temperature)
		}
		switch {
		case unread != nil:
			*out = unanswered(*out, schemas.StageFull, unread)
		case out.Outcome != schemas.Miss:
			out.AuditLabel = n.pack.Classes[answer.Class]
		default:
			n.answer(out, answer, models.FullNet)
			n.rank(out, logits[i*k:(i+1)*k])
			if full.told != nil {
				full.told(place, logits[i*k:(i+1)*k])
			}
		}
	}
}

// rank adds to the answer to a device's frame what else is likely. Probabilities have four digits: more cost bytes, and say no
// more.
func (n *nets) rank(out *schemas.Outcome, logits []float32) {
	if out.Origin == "" {
		return
	}
	p, err := policy.Probabilities(logits, n.pack.Full.Temperature)
	if err != nil {
		return // its answer has been read from them
	}
	classes := policy.Top(p, schemas.MostRanked, schemas.RankedShare)
	if len(classes) < 2 {
		return // the confidence says it all
	}
	for _, c := range classes {
		out.Top = append(out.Top, schemas.Ranked{Label: n.pack.Classes[c], Probability: float32(math.Round(float64(p[c])*1e4) / 1e4)})
	}
}

// unanswered is the row of a frame about which the full model said nothing: an audited or a provisional answer stands.
func unanswered(out schemas.Outcome, stage string, err error) schemas.Outcome {
	if out.Outcome == schemas.Miss && out.Provisional {
		out.Degraded, out.Error = true, err.Error()
		return out
	}
	if out.Outcome == schemas.Miss {
		return failed(out, stage, err.Error())
	}
	slog.Warn("an answer could not be audited", "stream", out.Stream, "partition", out.Partition, "offset", out.Offset, "error", err)
	return out
}
