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
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn7x1[context.Context, beam.EventTime, state.Provider, string, schemas.Run,
		func(beam.EventTime, schemas.Outcomes), func(beam.EventTime, schemas.MissedRun), error](&lookupFn{})
	register.Emitter2[beam.EventTime, schemas.Outcomes]()
	register.Emitter2[beam.EventTime, schemas.MissedRun]()
}

// How much of a bundle is looked at together, at most.
const (
	gatherStreams = 256
	gatherFrames  = 4096
)

// Lookup answers what a stream's cached specialist is sure of. It takes PCollection<KV<string,
// schemas.Run>> and returns the outcomes that are settled (hits, errors, and misses when the full model is
// called inline) as PCollection<schemas.Outcomes>, and the rest as PCollection<schemas.MissedRun>.
func Lookup(s beam.Scope, m Model, runs beam.PCollection) (outcomes, misses beam.PCollection) {
	s = s.Scope("transforms.Lookup")
	return beam.ParDo2(s, &lookupFn{Model: m, State: state.MakeValueState[[]byte]("stream")}, runs)
}

// lookupFn keeps one cell of state a stream: a second one would double the runner's cost per element. Where the runner is
// in this process the job's Memory holds the states instead. They can then be written at the end of a bundle too, so
// what a bundle brought of many streams is looked at together; a cell can be written only while its element is processed.
type lookupFn struct {
	Model Model
	State state.Value[[]byte]

	session *session.Session
	memory  *Memory         // nil: states are in cells
	device  *offload.Device // on a device: chooses what becomes of misses; nil: the server is asked
	asker   *asker          // … and asks the full model there
	walk    walk

	strands []strand // gathered in this bundle
	states  []policy.State
	place   map[string]int // in strands
	frames  int            // of all strands
	at      beam.EventTime
}

// Setup opens the pack.
func (fn *lookupFn) Setup() (err error) {
	var watch *Watch
	if fn.session, fn.memory, watch, err = attached(fn.Model.Job); err != nil {
		return fmt.Errorf("answer frames: %w", err)
	}
	n, err := fn.Model.open()
	if err != nil {
		return err
	}
	fn.walk, fn.place = *newWalk(n, watch), map[string]int{}
	fn.walk.single.known = known(fn.session)
	fn.asker = &asker{net: n.fullNet(fn.session)}
	if fn.session != nil {
		fn.device, _ = session.Get[*offload.Device](fn.session, offload.Part)
	}
	return n.attach(fn.session)
}

// StartBundle forgets what a failed bundle left behind.
func (fn *lookupFn) StartBundle(ctx context.Context, _ func(beam.EventTime, schemas.Outcomes), _ func(beam.EventTime, schemas.MissedRun)) {
	fn.forget()
	beginBundle(ctx, fn.session)
}

// ProcessElement moves one stream through one run of its frames, or of answers to earlier ones, or gathers it.
func (fn *lookupFn) ProcessElement(ctx context.Context, at beam.EventTime, sp state.Provider, stream string, run schemas.Run,
	settled func(beam.EventTime, schemas.Outcomes), missed func(beam.EventTime, schemas.MissedRun)) error {
	run, err := fn.session.Take(run)
	if err != nil {
		return fmt.Errorf("answer frames: %w", err)
	}
	fn.at = at
	if fn.memory == nil {
		fn.gather(stream, run)
		return fn.look(ctx, cell{fn.State, sp}, settled, missed)
	}
	fn.gather(streamOf(&run), run) // the key may be that of the branch
	if len(fn.strands) == gatherStreams || fn.frames >= gatherFrames {
		return fn.look(ctx, fn.memory, settled, missed)
	}
	return nil
}

// FinishBundle looks at what is gathered.
func (fn *lookupFn) FinishBundle(ctx context.Context, settled func(beam.EventTime, schemas.Outcomes), missed func(beam.EventTime, schemas.MissedRun)) error {
	defer endBundle(ctx, fn.session)
	if len(fn.strands) == 0 {
		return nil
	}
	return fn.look(ctx, fn.memory, settled, missed)
}

// streamOf returns whose frames or answers a run has.
func streamOf(run *schemas.Run) string {
	if len(run.Frames) > 0 {
		return run.Frames[0].Stream
	}
	return run.Answers[0].Row.Stream
}

// gather puts a run behind what there is of the same stream.
func (fn *lookupFn) gather(stream string, run schemas.Run) {
	fn.frames += len(run.Frames)
	if i, ok := fn.place[stream]; ok {
		s := &fn.strands[i]
		s.frames, s.answers = append(s.frames, run.Frames...), append(s.answers, run.Answers...)
		return
	}
	fn.place[stream] = len(fn.strands)
	fn.strands = append(fn.strands, strand{stream: stream, frames: run.Frames, answers: run.Answers})
}

func (fn *lookupFn) forget() {
	clear(fn.strands) // the frames' bytes
	clear(fn.place)
	fn.strands, fn.frames = fn.strands[:0], 0
}

// states is where the states of streams are.
type states interface {
	recall(stream string, st *policy.State) error
	keep(stream string, st *policy.State) error
}

// look moves the gathered streams through their frames.
func (fn *lookupFn) look(ctx context.Context, where states, settled func(beam.EventTime, schemas.Outcomes), missed func(beam.EventTime, schemas.MissedRun)) error {
	begun, frames := time.Now(), fn.frames
	for len(fn.states) < len(fn.strands) {
		fn.states = append(fn.states, policy.State{})
	}
	for i := range fn.strands {
		s := &fn.strands[i]
		s.st = &fn.states[i]
		if err := where.recall(s.stream, s.st); err != nil {
			return fmt.Errorf("stream %q: read state: %w", s.stream, err)
		}
	}
	read := time.Now()
	answers := fn.learnAnswers()
	if fn.walk.early = nil; fn.Model.Early && fn.memory != nil { // a cell is written only after its stream's last frame
		fn.walk.early = func(rows []schemas.Outcome) {
			early := schemas.Outcomes{Rows: rows}
			emitAt(&early, time.Now())
			settled(fn.at, early)
		}
	}
	done, pending := fn.walk.run(fn.strands)
	fn.offload(&done, &pending)
	done.Rows = append(done.Rows, answers...)
	walked := time.Now()
	for i := range fn.strands {
		if err := where.keep(fn.strands[i].stream, fn.strands[i].st); err != nil {
			return fmt.Errorf("stream %q: write state: %w", fn.strands[i].stream, err)
		}
	}
	now := time.Now()
	fn.announce(ctx, &pending, now)
	fn.session.Spent(session.StageState, read.Sub(begun)+now.Sub(walked), frames)
	fn.session.Spent(session.StageDecode, fn.walk.decoded.spent, fn.walk.decoded.frames)
	traceWalk(ctx, fn.session, &fn.walk, begun, read, walked, now, frames)
	fn.session.Missed(len(pending.Frames) - len(answers))
	fn.forget()
	emitAt(&done, now)
	if len(done.Rows) > 0 {
		settled(fn.at, done)
	}
	if len(pending.Frames) > 0 {
		missed(fn.at, pending)
	}
	return nil
}

// cell is the runner's state of the stream of one element.
type cell struct {
	value    state.Value[[]byte]
	provider state.Provider
}

func (c cell) recall(_ string, st *policy.State) error {
	b, ok, err := c.value.Read(c.provider)
	if err != nil {
		return err
	}
	if !ok {
		*st = policy.State{}
		return nil
	}
	return st.UnmarshalBinary(b)
}

func (c cell) keep(_ string, st *policy.State) error {
	b, err := st.AppendBinary(nil)
	if err != nil {
		return err
	}
	return c.value.Write(c.provider, b)
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

// blank is the outcome of a frame before any net has seen it: a miss without an answer.
func (n *nets) blank(f *schemas.Frame) schemas.Outcome {
	return schemas.Outcome{
		Stream: f.Stream, Topic: f.Topic, Partition: f.Partition, Offset: f.Offset, Sequence: f.Sequence, EventTime: f.EventTime,
		Outcome: schemas.Miss, Threshold: n.policy.Threshold, Pack: n.id, Policy: n.decider, CacheEvent: schemas.CacheNone,
		FrameBytes: int32(f.Size()), Truth: f.Truth, Origin: f.Origin,
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
