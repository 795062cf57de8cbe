package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/segmentio/kafka-go"
)

// Replay sends dead letters back to the topics their frames came from, without the headers that were added, and
// returns how many. It goes on where group has committed and commits as it goes: a second call sends only what
// came later. A call that was interrupted may send some frames again. Letters of one frame are sent once.
func Replay(ctx context.Context, cluster Cluster, deadLetters, group string) (sent int, err error) {
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
	r := replay{cluster: cluster, client: c, letters: deadLetters, group: group, seen: map[string]bool{}, writers: map[string]*writer{}}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, p := range partitions {
		if err := r.partition(ctx, p, max(committed[p.ID], p.First)); err != nil {
			return r.sent, err
		}
	}
	return r.sent, nil
}

type replay struct {
	cluster        Cluster
	client         *client
	letters, group string
	seen           map[string]bool // places of the frames sent
	writers        map[string]*writer
	sent           int
}

// partition replays [from, p.End).
func (r *replay) partition(ctx context.Context, p Partition, from int64) error {
	for from < p.End {
		b, err := r.client.refetch(ctx, r.letters, p.ID, filter{from: from, to: p.End, limit: math.MaxInt})
		if err != nil {
			return fmt.Errorf("kafka: to read %s/%d from offset %d: %w", r.letters, p.ID, from, err)
		}
		if b.next == from {
			return fmt.Errorf("kafka: to read %s/%d from offset %d: retention deleted letters meanwhile: run it again", r.letters, p.ID, from)
		}
		if err := r.send(ctx, b.records); err != nil {
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

func (r *replay) send(ctx context.Context, letters []record) error {
	byTopic := map[string][]kafka.Message{}
	for _, l := range letters {
		topic, place, m := frameOf(l)
		if topic == "" {
			return fmt.Errorf("kafka: to replay %s: offset %d is no dead letter (no header %s): name a topic of dead letters", r.letters, l.offset, deadTopic)
		}
		if r.seen[place] {
			continue
		}
		r.seen[place] = true
		byTopic[topic] = append(byTopic[topic], m)
	}
	for topic, messages := range byTopic {
		w, err := r.writer(topic)
		if err != nil {
			return err
		}
		if err := w.write(ctx, messages); err != nil {
			return err
		}
		r.sent += len(messages)
	}
	return nil
}

func (r *replay) writer(topic string) (*writer, error) {
	if w := r.writers[topic]; w != nil {
		return w, nil
	}
	w, err := r.cluster.newWriter(topic)
	if err != nil {
		return nil, err
	}
	w.kafka.BatchBytes = deadBytes
	r.writers[topic] = w
	return w, nil
}

func (r *replay) close() error {
	var errs []error
	for _, w := range r.writers {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}

// Close lets a job keep the client.
func (c *client) Close() error {
	c.close()
	return nil
}
