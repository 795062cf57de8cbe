package transforms

import (
	"context"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// Names of spans besides those of the session's stages.
const (
	spanSmall    = "small net"
	spanSelector = "selector"
	spanFull     = "full model"
)

// turns is what a stage took that takes turns with others.
type turns struct {
	begun  time.Time // of the first turn
	spent  time.Duration
	frames int
}

// add counts a turn that ends now.
func (t *turns) add(took time.Duration, frames int) {
	if t.begun.IsZero() {
		t.begun = time.Now().Add(-took)
	}
	t.spent += took
	t.frames += frames
}

// span is all turns as one stretch, as long as their sum.
func (t turns) span(bundle, name string) session.Span {
	return session.Span{Bundle: bundle, Name: name, Begun: t.begun, Took: t.spent, Frames: t.frames}
}

// alone counts the calls of nets about one frame alone, for traces.
func (w *walk) alone(l *look) {
	if us := w.single.specialistUs - l.each; us > 0 {
		w.small.add(duration(us), 1)
	}
	if us := w.single.selectorUs; us > 0 {
		w.selector.add(duration(us), 1)
	}
}

func duration(us float32) time.Duration {
	return time.Duration(float64(us) * float64(time.Microsecond))
}

// traceWalk tells the tracer, where there is one, what a walk took that began with reading the streams' state and ended
// with writing it.
func traceWalk(ctx context.Context, job *session.Session, w *walk, begun, read, walked, ended time.Time, frames int) {
	t := job.Traced()
	if t == nil {
		return
	}
	id, state := metrics.GetBundleID(ctx), session.StageState.String()
	t.Span(session.Span{Bundle: id, Name: state, Begun: begun, Took: read.Sub(begun), Frames: frames})
	for _, stage := range []struct {
		name  string
		turns turns
	}{{session.StageDecode.String(), w.decoded}, {spanSmall, w.small}, {spanSelector, w.selector}, {spanFull, w.full}} {
		if stage.turns.frames > 0 {
			t.Span(stage.turns.span(id, stage.name))
		}
	}
	t.Span(session.Span{Bundle: id, Name: state, Begun: walked, Took: ended.Sub(walked)})
}

// traceFull does the same for a batch of the full model's transform.
func traceFull(ctx context.Context, job *session.Session, begun time.Time, rows []schemas.Outcome) {
	t := job.Traced()
	if t == nil {
		return
	}
	ended, net := time.Now(), time.Duration(0)
	for i := range rows {
		net += duration(rows[i].FullUs)
	}
	net = min(net, ended.Sub(begun)) // recalled answers took their time before
	id, asked := metrics.GetBundleID(ctx), ended.Add(-net)
	t.Span(session.Span{Bundle: id, Name: session.StageDecode.String(), Begun: begun, Took: asked.Sub(begun), Frames: len(rows)})
	t.Span(session.Span{Bundle: id, Name: spanFull, Begun: asked, Took: net, Frames: len(rows)})
}

// beginBundle and endBundle tell the tracer, where there is one, that a transform begins a bundle and has finished it.
func beginBundle(ctx context.Context, job *session.Session) {
	if t := job.Traced(); t != nil {
		t.Begin(metrics.GetBundleID(ctx))
	}
}

func endBundle(ctx context.Context, job *session.Session) {
	if t := job.Traced(); t != nil {
		t.End(metrics.GetBundleID(ctx))
	}
}
