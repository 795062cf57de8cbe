package pipelines

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// DefaultWatch is how soon a partition that the topic gained is read.
const DefaultWatch = 10 * time.Second

var errGrown = errors.New("the topic gained partitions")

// follow reads the whole topic to its end or until ctx is done. When the topic gains partitions the running job
// drains, and the next one reads them too, from their first record, since it came while the topic was followed.
func (j job) follow(ctx context.Context) error {
	for part := (part{}); ; part.grown = true {
		partitions, err := kafkaio.Describe(ctx, j.Cluster, j.Topic)
		if err != nil {
			return err
		}
		running, end := context.WithCancelCause(ctx)
		if !j.UntilEnd {
			go j.awaitGrowth(running, len(partitions), end)
		}
		err = j.run(running, part)
		grown := errors.Is(context.Cause(running), errGrown) && ctx.Err() == nil
		end(nil)
		if !grown || err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
}

// awaitGrowth calls grown when the topic has more than so many partitions.
func (j job) awaitGrowth(ctx context.Context, partitions int, grown context.CancelCauseFunc) {
	every := j.Watch
	if every <= 0 {
		every = DefaultWatch
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := kafkaio.EndOffsets(ctx, j.Cluster, j.Topic)
		switch {
		case err != nil: // the source tells of a broker that does not answer
			slog.Debug("partitions cannot be counted", "topic", j.Topic, "error", err)
		case len(now) > partitions:
			slog.Info("the topic gained partitions", "topic", j.Topic, "before", partitions, "now", len(now))
			grown(errGrown)
			return
		}
	}
}
