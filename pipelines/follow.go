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

// Reasons to drain a job and go on with the next one.
var (
	errGrown = errors.New("the topic gained partitions")
	errRenew = errors.New("the job is renewed")
)

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
		cause := context.Cause(running)
		more := (errors.Is(cause, errGrown) || errors.Is(cause, errRenew)) && ctx.Err() == nil
		end(nil)
		if !more || err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
}

// awaitGrowth ends the job when the topic has more than so many partitions, or when the job is old enough.
func (j job) awaitGrowth(ctx context.Context, partitions int, end context.CancelCauseFunc) {
	every := j.Watch
	if every <= 0 {
		every = DefaultWatch
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var old <-chan time.Time
	if j.runner.renew > 0 {
		old = time.After(j.runner.renew)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-old:
			end(errRenew)
			return
		case <-tick.C:
		}
		now, err := kafkaio.EndOffsets(ctx, j.Cluster, j.Topic)
		switch {
		case err != nil: // the source tells of a broker that does not answer
			slog.Debug("partitions cannot be counted", "topic", j.Topic, "error", err)
		case len(now) > partitions:
			slog.Info("the topic gained partitions", "topic", j.Topic, "before", partitions, "now", len(now))
			end(errGrown)
			return
		}
	}
}
