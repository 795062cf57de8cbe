package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/schemas"
)

// A topic that was deleted and recreated under its name has other records at the offsets of the old one. Kafka tells the two topics apart by
// an id (KIP-516), which kafka-go does not show and older brokers do not have; here they are told apart by a record whose offset, time, key and size are known.

// askedAtOnce is how many partitions are read at the same time.
const askedAtOnce = 8

// latest is the last time that a row can hold exactly (see parquetio); that of a later record is not compared.
var latest = time.Date(2261, 12, 31, 0, 0, 0, 0, time.UTC)

// Mark is what is known of a record: enough to recognise it.
type Mark struct {
	Offset int64
	Stream string
	Time   time.Time // of the record, in milliseconds
	Bytes  int64     // of its value; 0: not known
}

func markOf(r record) Mark {
	m := Mark{Offset: r.offset, Time: r.time, Bytes: int64(r.size)}
	if len(r.key) > 0 {
		m.Stream = schemas.StreamOf(r.key[:cut(r.key, maxKeyBytes)])
	}
	return m
}

// same reports whether a mark can be of the record that has the other one. A time that no row holds as it is is not compared.
func (m Mark) same(o Mark) bool {
	odd := o.Time.Unix() < 0 || o.Time.After(latest)
	return m.Offset == o.Offset && m.Stream == o.Stream && (m.Bytes == 0 || m.Bytes == o.Bytes) && (odd || m.Time.UnixMilli() == o.Time.UnixMilli())
}

// replaced reports whether the log has another record at the mark's offset. If retention or compaction deleted the record, it
// cannot be compared, and replaced is false.
func (c *client) replaced(ctx context.Context, topic string, partition int32, m Mark) (bool, error) {
	r, err := c.recordAt(ctx, topic, partition, m.Offset)
	if errors.Is(err, errNothing) || errors.Is(err, kafka.OffsetOutOfRange) {
		return false, nil
	}
	return err == nil && !m.same(markOf(r)), err
}

// Replaced looks for the marked records of a topic, one of each partition, and returns the partitions that have another record there, in
// any order: the topic was deleted and recreated. A partition that does not hold the offset (any more) cannot be told apart and is not among them. An unreachable
// broker or a missing topic is an error, an [ErrUnavailable] where it may pass.
func Replaced(ctx context.Context, cluster Cluster, topic string, marks map[int32]Mark) ([]int32, error) {
	if len(marks) == 0 {
		return nil, nil
	}
	c, err := cluster.connect(topic)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var mu sync.Mutex
	var other []int32
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askedAtOnce)
	for partition, m := range marks {
		g.Go(func() error {
			replaced, err := c.replaced(ctx, topic, partition, m)
			if err != nil {
				return mayPass(fmt.Errorf("kafka: read %s/%d at offset %d: %w", topic, partition, m.Offset, err))
			}
			if replaced {
				mu.Lock()
				defer mu.Unlock()
				other = append(other, partition)
			}
			return nil
		})
	}
	return other, g.Wait()
}
