package kafkaio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/cachenet/cachenet/connectors/flow"
	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

func init() {
	register.DoFn2x1[context.Context, schemas.Outcomes, error](&writeFn{})
}

// outcomeSource is the ce_source of outcomes.
const outcomeSource = "/cachenet/run"

// WriteConfig says where outcomes go. It is serialised into the pipeline.
type WriteConfig struct {
	Job     string // id of the job, for flow.For
	Cluster Cluster
	Topic   string // has to exist, see EnsureTopic
}

// Write sends a PCollection<schemas.Outcomes> to a topic, a record for each outcome: key = stream, value =
// the outcome as JSON, ce_id = "topic/partition/offset" of its frame. A bundle ends when every in-sync
// replica has its records and fails when one cannot be written; a bundle that is run again sends its
// outcomes again, so readers drop those whose ce_id they know.
func Write(s beam.Scope, cfg WriteConfig, outcomes beam.PCollection) {
	s = s.Scope("kafkaio.Write")
	beam.ParDo0(s, &writeFn{Config: cfg}, outcomes)
}

type writeFn struct {
	Config WriteConfig

	writer  *writer
	pending []kafka.Message
}

// Setup finds the job's writer; it outlives bundles and is closed by flow.Close.
func (fn *writeFn) Setup(context.Context) error {
	c, err := flow.For(fn.Config.Job).Keep("kafkaio.Write "+fn.Config.Topic, func() (io.Closer, error) {
		return fn.Config.Cluster.newWriter(fn.Config.Topic)
	})
	if err != nil {
		return err
	}
	w, ok := c.(*writer)
	if !ok {
		return fmt.Errorf("kafka: to write %s: job %s keeps a %T under that name", fn.Config.Topic, fn.Config.Job, c)
	}
	fn.writer = w
	return nil
}

// StartBundle forgets what a failed bundle left.
func (fn *writeFn) StartBundle(context.Context) { fn.pending = fn.pending[:0] }

// ProcessElement collects records, and sends when they fill a batch.
func (fn *writeFn) ProcessElement(ctx context.Context, outcomes schemas.Outcomes) error {
	for i := range outcomes.Rows {
		m, err := outcomeMessage(&outcomes.Rows[i])
		if err != nil {
			return err
		}
		fn.pending = append(fn.pending, m)
	}
	if len(fn.pending) < batchRecords {
		return nil
	}
	return fn.FinishBundle(ctx)
}

// FinishBundle sends the rest.
func (fn *writeFn) FinishBundle(ctx context.Context) error {
	err := fn.writer.write(ctx, fn.pending)
	fn.pending = fn.pending[:0]
	return err
}

func outcomeMessage(o *schemas.Outcome) (kafka.Message, error) {
	id := fmt.Sprintf("%s/%d/%d", o.Topic, o.Partition, o.Offset)
	value, err := json.Marshal(o)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("kafka: to write the outcome of %s: %w", id, err)
	}
	return kafka.Message{
		Key: []byte(o.Stream), Value: value,
		Headers: cloudEvent(id, outcomeSource, outcomeType, o.EventTime, "application/json"),
	}, nil
}
