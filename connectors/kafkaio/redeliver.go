package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

// Redeliver sends dead letters back to the topics their frames came from, without the headers that were added, and
// returns how many. It goes on where group has committed and commits as it goes: a second call sends only what
// came later. A call that was interrupted may send some frames again. Letters of one frame are sent once. The frame of a
// letter without its value is read from the topic it came from.
//
// A letter that cannot be sent (its topic is gone or takes no frame of that size, its frame is gone, it is no dead
// letter) is skipped, so that it never blocks the others; at the end they are an error.
func Redeliver(ctx context.Context, cluster Cluster, deadLetters, group string) (sent int, err error) {
	partitions, err := Describe(ctx, cluster, deadLetters)
	if err != nil {
		return 0, err
	}
	committed, err := CommittedOffsets(ctx, cluster, group, deadLetters)
	if err != nil {
		return 0, err
	}
	c, err := cluster.connect()
	if err != nil {
		return 0, err
	}
	defer c.close()
	r := redelivery{cluster: cluster, client: c, letters: deadLetters, group: group, seen: map[partitionOf]schemas.Offsets{}, targets: map[string]*target{}}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, p := range partitions {
		if err := r.partition(ctx, p, max(committed[p.ID], p.First)); err != nil {
			return r.sent, err
		}
	}
	return r.sent, r.leftOver()
}

type redelivery struct {
	cluster        Cluster
	client         *client
	letters, group string
	seen           map[partitionOf]schemas.Offsets // frames that were sent
	targets        map[string]*target
	sent           int
	skipped        int
	first          error // why the first one was skipped
}

type partitionOf struct {
	topic string
	id    int32
}

// target is a topic that frames go back to.
type target struct {
	writer *writer
	gone   error // why nothing can be sent there; nil where something can
}

// partition sends the letters of [from, p.End).
func (r *redelivery) partition(ctx context.Context, p Partition, from int64) error {
	for from < p.End {
		b, err := r.client.refetch(ctx, fetchFor, r.letters, p.ID, filter{from: from, to: p.End, limit: math.MaxInt})
		if err != nil {
			return fmt.Errorf("kafka: read %s/%d from offset %d: %w", r.letters, p.ID, from, err)
		}
		if err := r.send(ctx, p.ID, b.records); err != nil {
			return err
		}
		from = b.next
		next := map[int32]int64{p.ID: from}
		if err := settled(ctx, func() error { return r.client.commitOffsets(ctx, r.group, r.letters, next) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *redelivery) send(ctx context.Context, partition int32, letters []record) error {
	byTopic := map[string][]kafka.Message{}
	for _, l := range letters {
		at := letterAt{partition, l.offset}
		f, ok := frameOf(l)
		if !ok {
			r.skip(at, fmt.Errorf("the record is not a dead letter (no headers %s…)", deadPrefix))
			continue
		}
		from := partitionOf{f.topic, f.partition}
		seen := r.seen[from]
		if seen.Contains(f.offset) {
			continue
		}
		seen.Add(f.offset, f.offset+1)
		r.seen[from] = seen
		f.message.WriterData = at
		if !f.omitted {
			byTopic[f.topic] = append(byTopic[f.topic], f.message)
		} else if err := r.sendOmitted(ctx, f); err != nil {
			return err
		}
	}
	for topic, messages := range byTopic {
		if err := r.sendTo(ctx, topic, messages); err != nil {
			return err
		}
	}
	return nil
}

// letterAt is where a letter is.
type letterAt struct {
	partition int32
	offset    int64
}

// sendOmitted sends the frame of a letter without a value. It is large, so it goes alone.
func (r *redelivery) sendOmitted(ctx context.Context, f deadFrame) error {
	m, err := r.refetch(ctx, f)
	if errors.Is(err, errGone) {
		r.skip(f.message.WriterData.(letterAt), err)
		return nil
	}
	if err != nil {
		return err
	}
	m.WriterData = f.message.WriterData
	return r.sendTo(ctx, f.topic, []kafka.Message{m})
}

func (r *redelivery) sendTo(ctx context.Context, topic string, messages []kafka.Message) error {
	t, err := r.target(ctx, topic)
	if err != nil {
		return err
	}
	refused, why := messages, t.gone
	if t.gone == nil {
		if refused, err = t.writer.deliver(ctx, messages); err != nil {
			return err
		}
	}
	r.sent += len(messages) - len(refused)
	for _, m := range refused {
		if t.gone == nil {
			why = t.writer.tooLarge(m, 1, 1)
		}
		r.skip(m.WriterData.(letterAt), why)
	}
	return nil
}

// topicWait is how long a topic may be unknown: a broker that has just started does not know its topics at once.
const topicWait = 2 * time.Second

// target returns the topic that frames go back to.
func (r *redelivery) target(ctx context.Context, topic string) (*target, error) {
	if t := r.targets[topic]; t != nil {
		return t, nil
	}
	t := &target{}
	wait, cancel := context.WithTimeout(ctx, topicWait)
	defer cancel()
	err := settled(wait, func() error {
		_, err := r.client.partitions(ctx, r.cluster, topic)
		return err
	})
	var refused kafka.Error
	switch {
	case errors.As(err, &refused) && (!refused.Temporary() || refused == kafka.UnknownTopicOrPartition):
		t.gone = err
	case err != nil:
		return nil, err
	default:
		if t.writer, err = r.cluster.newWriter(topic); err != nil {
			return nil, err
		}
	}
	r.targets[topic] = t
	return t, nil
}

// errGone is in the chain of an error about a frame that is no longer where it was read.
var errGone = errors.New("its frame, whose value is not in the letter, has been deleted")

// refetch reads the frame of a letter from where it came from.
func (r *redelivery) refetch(ctx context.Context, f deadFrame) (kafka.Message, error) {
	t, err := r.target(ctx, f.topic)
	if err != nil {
		return kafka.Message{}, err
	}
	if t.gone != nil {
		return kafka.Message{}, fmt.Errorf("%w: %w", errGone, t.gone)
	}
	bounds, err := r.client.bounds(ctx, f.topic, []int32{f.partition})
	if err != nil {
		return kafka.Message{}, err
	}
	var b batch
	if f.offset >= bounds[0].First && f.offset < bounds[0].End {
		b, err = r.client.refetch(ctx, fetchFor, f.topic, f.partition, filter{from: f.offset, to: f.offset + 1, limit: math.MaxInt})
		if err != nil {
			return kafka.Message{}, fmt.Errorf("kafka: read %s/%d/%d: %w", f.topic, f.partition, f.offset, err)
		}
	}
	if len(b.records) == 0 {
		return kafka.Message{}, fmt.Errorf("%w from %s/%d/%d", errGone, f.topic, f.partition, f.offset)
	}
	return message(b.records[0]), nil
}

// skip leaves a letter out.
func (r *redelivery) skip(at letterAt, why error) {
	slog.Debug("a letter is skipped", "topic", r.letters, "partition", at.partition, "offset", at.offset, "error", why)
	if r.skipped++; r.skipped == 1 {
		r.first = fmt.Errorf("offset %d of partition %d: %w", at.offset, at.partition, why)
	}
}

// leftOver is the error of the letters that were skipped.
func (r *redelivery) leftOver() error {
	if r.skipped == 0 {
		return nil
	}
	return fmt.Errorf("kafka: redeliver %s: %d letters were skipped, the first at %w; they are still in the topic: redeliver them with another --group when the cause is fixed",
		r.letters, r.skipped, r.first)
}

func (r *redelivery) close() error {
	var errs []error
	for _, t := range r.targets {
		if t.writer != nil {
			errs = append(errs, t.writer.Close())
		}
	}
	return errors.Join(errs...)
}
