package kafkaio

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

func init() {
	register.DoFn4x1[context.Context, beam.EventTime, schemas.Outcomes, func(beam.EventTime, schemas.Outcomes), error](&writeFn{})
	register.Emitter2[beam.EventTime, schemas.Outcomes]()
}

// outcomeSource is the ce_source of outcomes.
const outcomeSource = "/cachenet/run"

// WriteConfig says where outcomes go. It is serialised into the pipeline.
type WriteConfig struct {
	Job     string // id of the job, see connectors/session
	Cluster Cluster
	Topic   string // has to exist, see EnsureTopic
	Early   bool   // outcomes are sent before their bundle ends: for long bundles that emit many at a time
}

// Write sends a PCollection<schemas.Outcomes> to a topic, a record for each outcome: key = stream, value =
// the outcome as JSON (docs/outcome.schema.json), ce_id = "topic/partition/offset" of its frame. It returns
// the outcomes once every in-sync replica has their records, so that no later step can make an outcome
// durable that readers of the topic never see. A bundle fails if an outcome cannot be written; a repeated
// bundle repeats its outcomes, so readers deduplicate by ce_id.
func Write(s beam.Scope, cfg WriteConfig, outcomes beam.PCollection) beam.PCollection {
	s = s.Scope("kafkaio.Write")
	return beam.ParDo(s, &writeFn{Config: cfg}, outcomes)
}

type writeFn struct {
	Config WriteConfig

	writer  *writer
	pending []kafka.Message
	held    schemas.Outcomes // those of pending, and of what is being sent
	at      beam.EventTime
	sending chan error // result of the send in progress; nil: there is none
}

// Setup finds the job's writer; it outlives bundles and is closed with the job's session.
func (fn *writeFn) Setup(context.Context) (err error) {
	fn.writer, err = fn.Config.open()
	return err
}

// open returns the writer that the job keeps for the topic.
func (c WriteConfig) open() (*writer, error) {
	return jobPart(c.Job, "kafkaio.Write "+c.Topic, func() (*writer, error) { return c.Cluster.newWriter(c.Topic) })
}

// jobPart is [session.Part] of the job with an id.
func jobPart[T any](job, name string, open func() (T, error)) (T, error) {
	s, err := session.Find(job)
	if err != nil {
		return *new(T), fmt.Errorf("%s: %w", name, err)
	}
	return session.Part(s, name, open)
}

// StartBundle forgets what a failed bundle left.
func (fn *writeFn) StartBundle(context.Context, func(beam.EventTime, schemas.Outcomes)) {
	if fn.sending != nil {
		err := <-fn.sending
		slog.Debug("kafka: outcomes of a bundle that failed were being sent", "topic", fn.Config.Topic, "error", err)
		fn.sending = nil
	}
	fn.pending, fn.held = fn.pending[:0], schemas.Outcomes{}
}

// ProcessElement collects records, and sends when they fill a batch, or at once where they are sent early.
func (fn *writeFn) ProcessElement(ctx context.Context, at beam.EventTime, outcomes schemas.Outcomes, emit func(beam.EventTime, schemas.Outcomes)) (err error) {
	fn.at = at
	if fn.pending, err = outcomeMessages(fn.pending, outcomes.Rows); err != nil {
		return err
	}
	fn.held.Rows = append(fn.held.Rows, outcomes.Rows...)
	if len(fn.pending) >= batchRecords {
		return fn.FinishBundle(ctx, emit)
	}
	if fn.Config.Early {
		return fn.sendEarly(ctx)
	}
	return nil
}

// sendEarly sends the collected records in the background. Later records wait, so that a stream's records keep their order.
func (fn *writeFn) sendEarly(ctx context.Context) error {
	if fn.sending != nil {
		select {
		case err := <-fn.sending:
			if fn.sending = nil; err != nil {
				return err
			}
		default:
			return nil
		}
	}
	records, sent := fn.pending, make(chan error, 1)
	fn.pending, fn.sending = nil, sent
	go func() { sent <- fn.writer.write(ctx, records) }()
	return nil
}

// FinishBundle sends the rest.
func (fn *writeFn) FinishBundle(ctx context.Context, emit func(beam.EventTime, schemas.Outcomes)) error {
	if len(fn.held.Rows) == 0 {
		return nil
	}
	var err error
	if fn.sending != nil {
		err, fn.sending = <-fn.sending, nil
	}
	if err == nil && len(fn.pending) > 0 {
		err = fn.writer.write(ctx, fn.pending)
	}
	if err == nil {
		emit(fn.at, fn.held)
	}
	fn.pending, fn.held = fn.pending[:0], schemas.Outcomes{}
	return err
}

// outcomeMessages appends the record of each row to messages.
func outcomeMessages(messages []kafka.Message, rows []schemas.Outcome) ([]kafka.Message, error) {
	for i := range rows {
		m, err := outcomeMessage(&rows[i])
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func outcomeMessage(o *schemas.Outcome) (kafka.Message, error) {
	id, kind := fmt.Sprintf("%s/%d/%d", o.Topic, o.Partition, o.Offset), outcomeType
	if o.Pending {
		id, kind = id+"/provisional", provisionalType
	}
	value, err := json.Marshal(o)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("kafka: write the outcome of %s: %w", id, err)
	}
	return kafka.Message{
		Key: schemas.KeyOf(o.Stream), Value: value,
		Headers: cloudEvent(id, outcomeSource, kind, o.EventTime, "application/json"),
	}, nil
}
