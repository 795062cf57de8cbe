package pipelines

import (
	"context"
	"log/slog"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// watchTopic asks the job to end when the topic has more than so many partitions, or when the job is old enough.
func watchTopic(ctx context.Context, c config, partitions int, ask context.CancelCauseFunc) {
	every := c.Watch
	if every <= 0 {
		every = defaultWatch
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var old <-chan time.Time
	if c.runner.renew > 0 {
		old = time.After(c.runner.renew)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-old:
			ask(reasonRenewed)
			return
		case <-tick.C:
		}
		now, err := kafkaio.EndOffsets(ctx, c.Cluster, c.Topic)
		switch {
		case err != nil: // the source reports a broker that does not answer
			slog.Debug("cannot count partitions", "topic", c.Topic, "error", err)
		case len(now) > partitions:
			slog.Info("the topic gained partitions", "topic", c.Topic, "before", partitions, "now", len(now))
			ask(reasonGrown)
			return
		}
	}
}
