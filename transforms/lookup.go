package transforms

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/cachenet/cachenet/connectors/session"
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

	session *session.Session
	memory  *Memory
	walk    walk
	stream  policy.State // of the stream at hand; kept for its buffers
}

// Setup opens the pack.
func (fn *lookupFn) Setup() (err error) {
	if fn.session, fn.memory, fn.walk.watch, err = attached(fn.Model.Job); err != nil {
		return fmt.Errorf("answer frames: %w", err)
	}
	n, err := fn.Model.open()
	if err != nil {
		return err
	}
	fn.walk = *newWalk(n, fn.walk.watch)
	fn.walk.single.known = known(fn.session)
	return n.attach(fn.session)
}

// ProcessElement moves one stream through one run of its frames.
func (fn *lookupFn) ProcessElement(ctx context.Context, sp state.Provider, stream string, run schemas.Run,
	settled func(schemas.Outcomes), missed func(schemas.MissedRun)) error {
	frames, err := fn.session.Frames(run)
	if err != nil {
		return fmt.Errorf("stream %q: %w", stream, err)
	}
	begun := time.Now()
	st, err := fn.read(sp, stream)
	if err != nil {
		return fmt.Errorf("stream %q: read state: %w", stream, err)
	}
	read := time.Now()
	done, pending := fn.walk.run(st, frames)
	walked := time.Now()
	if err := fn.write(sp, stream, st); err != nil {
		return fmt.Errorf("stream %q: write state: %w", stream, err)
	}
	now := time.Now()
	fn.announce(ctx, &pending, now)
	fn.session.Spent(session.StageState, read.Sub(begun)+now.Sub(walked), len(frames))
	fn.session.Spent(session.StageDecode, fn.walk.decoded.spent, fn.walk.decoded.frames)
	fn.session.Missed(len(pending.Frames))
	emitAt(&done, now)
	if len(done.Rows) > 0 {
		settled(done)
	}
	if len(pending.Frames) > 0 {
		missed(pending)
	}
	return nil
}

// announce sends the provisional answers of misses, before the full model is asked about them.
func (fn *lookupFn) announce(ctx context.Context, pending *schemas.MissedRun, now time.Time) {
	var early schemas.Outcomes
	for i := range pending.Frames {
		if out := pending.Frames[i].Outcome; out.Provisional {
			out.Pending = true
			early.Rows = append(early.Rows, out)
		}
	}
	emitAt(&early, now)
	if err := fn.session.Announce(ctx, early.Rows); err != nil {
		slog.Warn("provisional answers were not sent; the settled ones will be", "answers", len(early.Rows), "error", err)
	}
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
	return &fn.stream, fn.stream.UnmarshalBinary(b)
}

func (fn *lookupFn) write(sp state.Provider, stream string, st *policy.State) error {
	b, err := st.AppendBinary(nil)
	if err != nil {
		return err
	}
	fn.memory.keep(stream, b)
	return fn.State.Write(sp, b)
}

// blank is the outcome of a frame before any net has seen it: a miss without an answer.
func (n *nets) blank(f *schemas.Frame) schemas.Outcome {
	return schemas.Outcome{
		Stream: f.Stream, Topic: f.Topic, Partition: f.Partition, Offset: f.Offset, Sequence: f.Sequence, EventTime: f.EventTime,
		Outcome: schemas.Miss, Threshold: n.policy.Threshold, Pack: n.id, Policy: n.decider, CacheEvent: schemas.CacheNone,
		FrameBytes: int32(f.Size()), Truth: f.Truth,
	}
}

func (n *nets) answer(out *schemas.Outcome, a policy.Answer, net string) {
	out.Label = n.pack.Classes[a.Class]
	out.Confidence, out.Entropy = a.Confidence, a.Entropy
	out.Model, out.ModelSHA256 = net, n.sha[net]
}

// small puts into the row of a miss what the small net said, which did not pass.
func (n *nets) small(out *schemas.Outcome, d policy.Decision) {
	if !d.Asked {
		return
	}
	if d.Small.Class >= 0 {
		out.SmallLabel = n.pack.Classes[d.Small.Class]
	}
	out.SmallConfidence, out.SmallEntropy = d.Small.Confidence, d.Small.Entropy
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
