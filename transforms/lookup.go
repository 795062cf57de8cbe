package transforms

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn6x1[context.Context, state.Provider, string, schemas.Run, func(schemas.Outcomes), func(schemas.MissedRun), error](&lookupFn{})
	register.Emitter1[schemas.Outcomes]()
	register.Emitter1[schemas.MissedRun]()
}

// Lookup answers what a stream's cached specialist is sure of. It takes PCollection<KV<string,
// schemas.Run>> and returns the outcomes that are settled (hits, errors, and misses when the full model is
// called inline) as PCollection<schemas.Outcomes>, and the rest as PCollection<schemas.MissedRun>.
func Lookup(s beam.Scope, m Model, runs beam.PCollection) (outcomes, misses beam.PCollection) {
	s = s.Scope("transforms.Lookup")
	return beam.ParDo2(s, &lookupFn{Model: m, State: state.MakeValueState[[]byte]("stream")}, runs)
}

// lookupFn keeps one cell of state a stream: a second one would double the runner's cost per element.
type lookupFn struct {
	Model Model
	State state.Value[[]byte]

	nets   *nets
	memory *Memory
	watch  *Watch
}

// Setup opens the pack.
func (fn *lookupFn) Setup() (err error) {
	if fn.memory, fn.watch, err = attached(fn.Model.Job); err != nil {
		return fmt.Errorf("look frames up: %w", err)
	}
	fn.nets, err = fn.Model.open()
	return err
}

// ProcessElement moves one stream through one run of its frames.
func (fn *lookupFn) ProcessElement(_ context.Context, sp state.Provider, stream string, run schemas.Run,
	settled func(schemas.Outcomes), missed func(schemas.MissedRun)) error {
	st, err := fn.read(sp, stream)
	if err != nil {
		return fmt.Errorf("stream %q: read state: %w", stream, err)
	}
	var done schemas.Outcomes
	var pending schemas.MissedRun
	for i := range run.Frames {
		out, pixels := fn.look(st, &run.Frames[i])
		if pixels != nil {
			pending.Frames = append(pending.Frames, schemas.Missed{Outcome: out, Pixels: pixels})
			continue
		}
		done.Rows = append(done.Rows, out)
	}
	if err := fn.write(sp, stream, st); err != nil {
		return fmt.Errorf("stream %q: write state: %w", stream, err)
	}
	emitAt(&done, time.Now())
	if len(done.Rows) > 0 {
		settled(done)
	}
	if len(pending.Frames) > 0 {
		missed(pending)
	}
	return nil
}

// read returns the stream's state: at its first frame what an earlier job remembers of it.
func (fn *lookupFn) read(sp state.Provider, stream string) (*policy.State, error) {
	b, ok, err := fn.State.Read(sp)
	if err != nil {
		return nil, err
	}
	if !ok {
		return fn.memory.recall(stream)
	}
	st := &policy.State{}
	return st, st.UnmarshalBinary(b)
}

func (fn *lookupFn) write(sp state.Provider, stream string, st *policy.State) error {
	b, err := st.AppendBinary(nil)
	if err != nil {
		return err
	}
	fn.memory.keep(stream, b)
	return fn.State.Write(sp, b)
}

// look is nets.look while the frame is marked as the one being looked at.
func (fn *lookupFn) look(st *policy.State, f *schemas.Frame) (out schemas.Outcome, pixels []byte) {
	if f.Fault != "" {
		return fn.nets.look(st, f)
	}
	fn.watch.look([]Place{{f.Partition, f.Offset}}, func() { out, pixels = fn.nets.look(st, f) })
	return out, pixels
}

// look settles one frame, or returns its pixels when the full model has to.
func (n *nets) look(st *policy.State, f *schemas.Frame) (schemas.Outcome, []byte) {
	out := n.blank(f)
	if f.Fault != "" {
		return failed(out, schemas.StageRead, f.Fault), nil
	}
	pixels, err := models.Pixels(f, n.pack.Input)
	if err != nil {
		return failed(out, schemas.StageDecode, err.Error()), nil
	}
	fr := &frameNets{nets: n, pixels: pixels}
	d, err := n.policy.Decide(st, fr, st.Newer(f.Partition, f.Offset))
	out.SpecialistUs, out.SelectorUs, out.FullUs = fr.specialistUs, fr.selectorUs, fr.fullUs
	out.HitRateWindow = st.HitRate
	if err != nil {
		return failed(out, schemas.StageLookup, err.Error()), nil
	}
	out.CacheEvent = d.CacheEvent
	switch {
	case d.Hit:
		out.Outcome = schemas.Hit
		n.answer(&out, d.Answer, models.SpecialistNet(d.Specialist))
	case d.Answered:
		n.answer(&out, d.Answer, models.FullNet)
	default:
		return out, pixels
	}
	return out, nil
}

// blank is the outcome of a frame nobody has looked at: a miss without an answer.
func (n *nets) blank(f *schemas.Frame) schemas.Outcome {
	return schemas.Outcome{
		Stream: f.Stream, Topic: f.Topic, Partition: f.Partition, Offset: f.Offset, Sequence: f.Sequence, EventTime: f.EventTime,
		Outcome: schemas.Miss, Threshold: n.policy.Threshold, Pack: n.pack.ID(), CacheEvent: schemas.CacheNone,
		FrameBytes: int32(len(f.Image)), Truth: f.Truth,
	}
}

func (n *nets) answer(out *schemas.Outcome, a policy.Answer, net string) {
	out.Label = n.pack.Classes[a.Class]
	out.Confidence, out.Entropy = a.Confidence, a.Entropy
	out.Model, out.ModelSHA256 = net, n.sha[net]
}

func failed(out schemas.Outcome, stage, reason string) schemas.Outcome {
	out.Outcome, out.Stage, out.Error = schemas.Error, stage, reason
	return out
}

// emitAt stamps rows with the time from their record to now.
func emitAt(o *schemas.Outcomes, now time.Time) {
	for i := range o.Rows {
		o.Rows[i].LatencyUs = now.Sub(o.Rows[i].EventTime).Microseconds()
	}
}
