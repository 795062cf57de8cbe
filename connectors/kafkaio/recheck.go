package kafkaio

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/schemas"
)

// recheckEvery is how often a device with frames that wait looks whether the server's topic still holds them.
const recheckEvery = 30 * time.Second

// recheck sends what waits once more where the server's topic has lost it. It looks after an outage, and now and then: retention
// and operators delete without one.
func (u *uplink) recheck(ctx context.Context) error {
	u.mu.Lock()
	due := u.restored || time.Since(u.checked) > recheckEvery
	u.restored = false
	if due {
		u.checked = time.Now()
	}
	u.mu.Unlock()
	if !due || u.count().Pending == 0 {
		return nil
	}
	all, err := persist(ctx, u, func(ctx context.Context) ([]Partition, error) {
		all, err := u.client.bounds(ctx, u.cfg.Misses, u.places())
		return all, u.recreate(ctx, err)
	})
	if err != nil {
		return err
	}
	n := u.lost(all)
	replaced, err := u.replaced(ctx)
	if err != nil {
		return err
	}
	if replaced {
		n += u.again()
	}
	if n > 0 {
		slog.Warn("the server has lost frames: they are sent again", "topic", u.cfg.Misses, "frames", n)
	}
	return nil
}

// replaced reports whether the misses topic is not the one any more that acknowledged what waits: the record of a frame that has waited for long is
// looked at. It costs one batch.
func (u *uplink) replaced(ctx context.Context) (bool, error) {
	origin, partition, offset, due := u.doubtful(time.Now())
	if !due {
		return false, nil
	}
	return persist(ctx, u, func(ctx context.Context) (bool, error) {
		r, err := u.client.recordAt(ctx, u.cfg.Misses, partition, offset)
		if errors.Is(err, errNothing) || errors.Is(err, kafka.OffsetOutOfRange) {
			return true, nil
		}
		return err == nil && originIn(r) != origin, u.recreate(ctx, err)
	})
}

// recordAt reads the record at an offset without its value, or errNothing.
func (c *client) recordAt(ctx context.Context, topic string, partition int32, offset int64) (record, error) {
	res, err := c.fetchCommitted(ctx, topic, position{partition, offset, 1}) // the broker returns one batch all the same
	if err != nil {
		return record{}, err
	}
	b, err := readBatch(res, filter{from: offset, to: offset + 1})
	if err == nil && len(b.records) == 0 {
		err = errNothing
	}
	if err != nil {
		return record{}, err
	}
	return b.records[0], nil
}

// originIn returns the origin that a record of the misses topic names.
func originIn(r record) string {
	for _, h := range r.headers {
		if strings.EqualFold(h.Key, schemas.HeaderOrigin) {
			return string(h.Value)
		}
	}
	return ""
}
