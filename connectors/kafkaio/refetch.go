package kafkaio

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/retry"
)

// fetchFor is how long a command that a user waits for tries a single fetch again: long enough for a broker restart.
const fetchFor = time.Minute

// errNothing means that a broker returned nothing where something must be.
var errNothing = errors.New("the broker returns no records")

// refetch returns the records of [want.from, want.to), as far as one fetch goes: it always moves on, past offsets that
// have left the topic too. A broker that does not answer is waited for, at most longest.
func (c *client) refetch(ctx context.Context, longest time.Duration, topic string, partition int32, want filter) (batch, error) {
	away := retry.Outage{For: longest, Passes: func(err error) bool { return errors.Is(mayPass(err), ErrUnavailable) }}
	return retry.Get(ctx, away, func() (batch, error) {
		b, err := c.fetchOnce(ctx, topic, partition, want)
		if err == nil && b.next == want.from {
			err = errNothing
		}
		if err != nil {
			c.close() // as in fetcher.retry
		}
		return b, err
	})
}

func (c *client) fetchOnce(ctx context.Context, topic string, partition int32, want filter) (batch, error) {
	res, err := c.fetchCommitted(ctx, topic, position{partition, want.from, defaultFetchBytes})
	if err == nil {
		return readBatch(res, want)
	}
	if !errors.Is(err, kafka.OffsetOutOfRange) {
		return batch{}, err
	}
	bounds, err := c.bounds(ctx, topic, []int32{partition})
	if err != nil {
		return batch{}, err
	}
	return batch{next: min(bounds[0].First, want.to)}, nil
}
