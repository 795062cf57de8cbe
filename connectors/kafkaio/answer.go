package kafkaio

import (
	"context"
	"log/slog"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn4x1[context.Context, beam.EventTime, schemas.Outcomes, func(beam.EventTime, schemas.Outcomes), error](&answerFn{})
}

// Answer sends those of a PCollection<schemas.Outcomes> that have an origin to the answers topic of their device (see
// [AnswersTopic]; cfg.Topic is the base), which is created if it is missing. It returns all outcomes once every in-sync replica
// has the answers, so that a frame has a row on the server only if its device can read the answer. A repeated bundle repeats
// its answers; devices drop duplicates.
func Answer(s beam.Scope, cfg WriteConfig, outcomes beam.PCollection) beam.PCollection {
	s = s.Scope("kafkaio.Answer")
	return beam.ParDo(s, &answerFn{Config: cfg}, outcomes)
}

type answerFn struct {
	Config WriteConfig

	pending map[string][]kafka.Message // by device
	held    schemas.Outcomes
	at      beam.EventTime
}

// StartBundle forgets what a failed bundle left.
func (fn *answerFn) StartBundle(context.Context, func(beam.EventTime, schemas.Outcomes)) {
	fn.pending, fn.held = map[string][]kafka.Message{}, schemas.Outcomes{}
}

// ProcessElement collects answers.
func (fn *answerFn) ProcessElement(_ context.Context, at beam.EventTime, outcomes schemas.Outcomes, _ func(beam.EventTime, schemas.Outcomes)) error {
	fn.at = at
	fn.held.Rows = append(fn.held.Rows, outcomes.Rows...)
	for i := range outcomes.Rows {
		o := &outcomes.Rows[i]
		if o.Origin == "" {
			continue
		}
		origin, err := schemas.ParseOrigin(o.Origin)
		if err != nil {
			slog.Warn("an answer was not sent: the record names no device", "topic", o.Topic, "partition", o.Partition, "offset", o.Offset, "error", err)
			continue
		}
		m, err := answerMessage(o)
		if err != nil {
			return err
		}
		fn.pending[origin.Device] = append(fn.pending[origin.Device], m)
	}
	return nil
}

// FinishBundle sends the answers, to several devices at a time.
func (fn *answerFn) FinishBundle(ctx context.Context, emit func(beam.EventTime, schemas.Outcomes)) error {
	if len(fn.pending) > 0 {
		if err := fn.send(ctx); err != nil {
			return err
		}
	}
	if len(fn.held.Rows) > 0 {
		emit(fn.at, fn.held)
	}
	clear(fn.pending)
	fn.held = schemas.Outcomes{}
	return nil
}

func (fn *answerFn) send(ctx context.Context) error {
	a, err := jobPart(fn.Config.Job, "kafkaio.Answer "+fn.Config.Topic, func() (*answerer, error) { return newAnswerer(fn.Config.Cluster) })
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(answersAtOnce)
	for device, messages := range fn.pending {
		group.Go(func() error { return a.send(ctx, AnswersTopic(fn.Config.Topic, device), messages) })
	}
	return group.Wait()
}
