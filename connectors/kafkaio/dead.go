package kafkaio

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

func init() {
	register.DoFn4x1[context.Context, beam.EventTime, schemas.Outcomes, func(beam.EventTime, schemas.Outcomes), error](&deadFn{})
}

// Headers that a dead letter has beside those of its frame.
const (
	deadPrefix    = "cachenet-"
	deadStage     = deadPrefix + "stage"     // schemas.Stage…
	deadReason    = deadPrefix + "reason"    // the outcome's error
	deadTopic     = deadPrefix + "topic"     // where the frame was read
	deadPartition = deadPrefix + "partition" // where the frame was read
	deadOffset    = deadPrefix + "offset"    // where the frame was read
)

const (
	deadPartitions = 1
	deadBytes      = 64 << 20 // a letter is as large as the frame was
)

// EnsureDeadLetterTopic makes the topic unless it is there. It takes any frame that fits into 64 MiB.
func EnsureDeadLetterTopic(ctx context.Context, cluster Cluster, topic string) error {
	_, err := ensureTopic(ctx, cluster, kafka.TopicConfig{Topic: topic, NumPartitions: deadPartitions, ReplicationFactor: -1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(deadBytes)}}})
	return err
}

// WriteDeadLetters copies the frame of each error among the outcomes to a topic: key, value, headers and time
// as they were, and headers that say where and why it failed and where it came from. The frame is read from
// its topic once more, so that nothing has to carry it through the pipeline; one that retention deleted in
// between is told in the log. It returns the outcomes once every in-sync replica has their letters; a bundle
// that is run again sends its letters again.
func WriteDeadLetters(s beam.Scope, cfg WriteConfig, outcomes beam.PCollection) beam.PCollection {
	s = s.Scope("kafkaio.WriteDeadLetters")
	return beam.ParDo(s, &deadFn{Config: cfg}, outcomes)
}

type deadFn struct {
	Config WriteConfig

	writer *writer
	reader *client
	failed []schemas.Outcome
	held   []schemas.Outcomes
	at     beam.EventTime
}

// Setup finds what the job reads and writes letters with.
func (fn *deadFn) Setup(context.Context) (err error) {
	fn.writer, err = fn.Config.open(func() (*writer, error) {
		w, err := fn.Config.Cluster.newWriter(fn.Config.Topic)
		if err == nil {
			w.kafka.BatchBytes = deadBytes
		}
		return w, err
	})
	if err != nil {
		return err
	}
	job, err := session.Find(fn.Config.Job)
	if err != nil {
		return fmt.Errorf("kafka: read dead letters: %w", err)
	}
	fn.reader, err = session.Part(job, "kafkaio.WriteDeadLetters", func() (*client, error) { return fn.Config.Cluster.connect() })
	return err
}

// StartBundle forgets what a failed bundle left.
func (fn *deadFn) StartBundle(context.Context, func(beam.EventTime, schemas.Outcomes)) {
	fn.failed, fn.held = fn.failed[:0], nil
}

// ProcessElement passes on what has no error and holds the rest until the letters are out.
func (fn *deadFn) ProcessElement(_ context.Context, at beam.EventTime, outcomes schemas.Outcomes, emit func(beam.EventTime, schemas.Outcomes)) error {
	before := len(fn.failed)
	for _, o := range outcomes.Rows {
		if o.Outcome == schemas.Error {
			fn.failed = append(fn.failed, o)
		}
	}
	if len(fn.failed) == before {
		emit(at, outcomes)
		return nil
	}
	fn.at, fn.held = at, append(fn.held, outcomes)
	return nil
}

// FinishBundle sends the letters and passes on what waited for them.
func (fn *deadFn) FinishBundle(ctx context.Context, emit func(beam.EventTime, schemas.Outcomes)) error {
	letters := make([]kafka.Message, 0, len(fn.failed))
	for i := range fn.failed {
		m, there, err := fn.letter(ctx, &fn.failed[i])
		if err != nil {
			return err
		}
		if there {
			letters = append(letters, m)
		}
	}
	if err := fn.writer.write(ctx, letters); err != nil {
		return err
	}
	for _, o := range fn.held {
		emit(fn.at, o)
	}
	fn.failed, fn.held = fn.failed[:0], nil
	return nil
}

// letter reads the outcome's frame and addresses it.
func (fn *deadFn) letter(ctx context.Context, o *schemas.Outcome) (m kafka.Message, there bool, err error) {
	b, err := fn.reader.refetch(ctx, o.Topic, o.Partition, filter{from: o.Offset, to: o.Offset + 1, limit: math.MaxInt})
	if err != nil {
		return m, false, fmt.Errorf("kafka: to read the dead letter %s/%d/%d: %w", o.Topic, o.Partition, o.Offset, err)
	}
	if len(b.records) == 0 {
		slog.Warn("a frame with an error left its topic before it could become a dead letter",
			"topic", o.Topic, "partition", o.Partition, "offset", o.Offset, "error", o.Error)
		return m, false, nil
	}
	m = message(b.records[0])
	m.Headers = append(m.Headers, header(deadStage, o.Stage), header(deadReason, o.Error), header(deadTopic, o.Topic),
		header(deadPartition, strconv.Itoa(int(o.Partition))), header(deadOffset, strconv.FormatInt(o.Offset, 10)))
	return m, true, nil
}

// message is a record as it was.
func message(r record) kafka.Message {
	return kafka.Message{Key: r.key, Value: r.value, Time: r.time, Headers: r.headers}
}

// frameOf takes a dead letter back to the frame it was: the topic it came from, its place there, and the
// record without what was added. A frame that failed twice has the added headers twice; all go.
func frameOf(r record) (topic, place string, m kafka.Message) {
	added := map[string]string{}
	m = message(r)
	m.Headers = nil
	for _, h := range r.headers {
		if strings.HasPrefix(h.Key, deadPrefix) {
			added[h.Key] = string(h.Value)
		} else {
			m.Headers = append(m.Headers, h)
		}
	}
	topic = added[deadTopic]
	return topic, topic + "/" + added[deadPartition] + "/" + added[deadOffset], m
}
