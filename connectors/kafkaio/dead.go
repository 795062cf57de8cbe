package kafkaio

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

func init() {
	register.DoFn4x1[context.Context, beam.EventTime, schemas.Outcomes, func(beam.EventTime, schemas.Outcomes), error](&deadFn{})
}

// WriteDeadLetters copies the frame of each error among the outcomes to a topic: unchanged key, value, headers and time, and
// headers with the stage and reason of the failure and the frame's offset. The frame is read from its topic once more, so
// that the pipeline need not carry it; one that retention has deleted meanwhile is logged. A frame that exceeds the topic's
// limit is written without its value, which a header records. It returns the outcomes once every in-sync replica has their
// letters; a repeated bundle repeats its letters.
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
	if fn.writer, err = fn.Config.open(); err != nil {
		return err
	}
	fn.reader, err = jobPart(fn.Config.Job, "kafkaio.WriteDeadLetters", func() (*client, error) { return fn.Config.Cluster.connect() })
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

// FinishBundle sends the letters and passes on what waited for them. Frames are read and sent a fetch at a time, so
// that a bundle of many large ones takes the memory of a few.
func (fn *deadFn) FinishBundle(ctx context.Context, emit func(beam.EventTime, schemas.Outcomes)) error {
	slices.SortFunc(fn.failed, func(a, b schemas.Outcome) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	for rest := fn.failed; len(rest) > 0; {
		letters, n, err := fn.fetch(ctx, rest)
		if err != nil {
			return err
		}
		if err := fn.send(ctx, letters); err != nil {
			return err
		}
		rest = rest[n:]
	}
	for _, o := range fn.held {
		emit(fn.at, o)
	}
	fn.failed, fn.held = fn.failed[:0], nil
	return nil
}

// fetch reads the frames of the first n outcomes of failed, which are sorted: as many as one fetch returns.
func (fn *deadFn) fetch(ctx context.Context, failed []schemas.Outcome) (letters []kafka.Message, n int, err error) {
	first := failed[0]
	wanted := map[int64]*schemas.Outcome{}
	end := first.Offset
	var between schemas.Offsets
	for i := range failed {
		o := &failed[i]
		if o.Topic != first.Topic || o.Partition != first.Partition {
			break
		}
		between.Add(end, o.Offset)
		wanted[o.Offset], end = o, o.Offset+1
	}
	b, err := fn.reader.refetch(ctx, retry.Budget, first.Topic, first.Partition, filter{from: first.Offset, to: end, done: between, limit: math.MaxInt})
	if err != nil {
		return nil, 0, fmt.Errorf("kafka: read the frame of a dead letter at %s/%d/%d: %w", first.Topic, first.Partition, first.Offset, err)
	}
	for _, r := range b.records {
		letters = append(letters, letter(r, wanted[r.offset]))
		delete(wanted, r.offset)
	}
	for n < len(failed) && failed[n].Topic == first.Topic && failed[n].Partition == first.Partition && failed[n].Offset < b.next {
		if o := wanted[failed[n].Offset]; o != nil {
			slog.Warn("a failed frame was deleted from its topic before it could be written as a dead letter",
				"topic", o.Topic, "partition", o.Partition, "offset", o.Offset, "error", o.Error)
			delete(wanted, o.Offset)
		}
		n++
	}
	return letters, n, nil
}

// send sends letters. One that the topic refuses for its size is sent without the frame's value, and if that is still too
// large, without its key and headers: the row and the letter's own headers still identify the frame.
func (fn *deadFn) send(ctx context.Context, letters []kafka.Message) error {
	for _, less := range []func(kafka.Message) kafka.Message{withoutValue, withoutFrame} {
		refused, err := fn.writer.deliver(ctx, letters)
		if err != nil || len(refused) == 0 {
			return err
		}
		fn.writer.sayOnce.Do(func() {
			slog.Warn("frames exceed the dead-letter topic's record size limit: their letters are written without their value; raise its max.message.bytes",
				"topic", fn.Config.Topic, "max.message.bytes", fn.writer.limit, "frame bytes", len(refused[0].Value))
		})
		for i, m := range refused {
			refused[i] = less(m)
		}
		letters = refused
	}
	return fn.writer.write(ctx, letters)
}
