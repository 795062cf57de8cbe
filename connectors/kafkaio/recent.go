package kafkaio

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// Recent reads the last frames of a topic, about that many in all, the same number of each partition: partition by
// partition, in the order of their offsets. A record that is no frame has a Fault, as everywhere. The first error ends it.
func Recent(ctx context.Context, cluster Cluster, topic string, frames int64) iter.Seq2[schemas.Frame, error] {
	return func(yield func(schemas.Frame, error) bool) {
		partitions, err := Describe(ctx, cluster, topic)
		if err != nil {
			yield(schemas.Frame{}, err)
			return
		}
		c, err := cluster.connect(topic)
		if err != nil {
			yield(schemas.Frame{}, err)
			return
		}
		defer c.close()
		each := (frames + int64(len(partitions)) - 1) / int64(max(1, len(partitions)))
		for _, p := range partitions {
			if !c.span(ctx, topic, p.ID, max(p.First, p.End-each), p.End, yield) {
				return
			}
		}
	}
}

// span yields the frames of [from, to) and reports whether more are wanted.
func (c *client) span(ctx context.Context, topic string, partition int32, from, to int64, yield func(schemas.Frame, error) bool) bool {
	for from < to {
		b, err := c.refetch(ctx, fetchFor, topic, partition, filter{from: from, to: to, limit: defaultMaxFrameBytes})
		if err != nil {
			yield(schemas.Frame{}, fmt.Errorf("kafka: read %s/%d from offset %d: %w", topic, partition, from, err))
			return false
		}
		for _, r := range b.records {
			f := decode(r, defaultMaxFrameBytes, time.Now())
			f.Topic, f.Partition = topic, partition
			if !yield(f, nil) {
				return false
			}
		}
		from = b.next
	}
	return true
}
