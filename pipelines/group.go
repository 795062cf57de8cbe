package pipelines

import (
	"context"
	"errors"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// pollEnd is how often a member that has nothing left to do looks whether the others have.
const pollEnd = time.Second

// share runs the pipeline over whatever the group assigns to this process. When the assignment changes the running
// job drains, and the next one resumes from the files, those of the other members included. The group decides who
// reads what; that no offset gets two rows, whatever a member believes, is up to parquetio (WriteConfig.Shared).
func (j job) share(ctx context.Context) error {
	ends, err := kafkaio.EndOffsets(ctx, j.Cluster, j.Topic)
	if err != nil {
		return err
	}
	return kafkaio.Share(ctx, j.Cluster, j.Group, j.Topic, j.SessionTimeout,
		func(ctx context.Context, a kafkaio.Assignment) (done bool, err error) {
			if len(a.Partitions) > 0 {
				err := j.run(ctx, part{assigned: &a, ends: ends})
				if ctx.Err() != nil && errors.Is(err, context.Canceled) {
					return false, nil // the assignment ended before the job began
				}
				if err != nil {
					return false, err
				}
			}
			if j.UntilEnd {
				return j.awaitOthers(ctx, ends)
			}
			<-ctx.Done()
			return false, nil
		})
}

// awaitOthers returns true when the whole topic is done up to ends. Until then this member stays in the group, to
// take over from one that dies.
func (j job) awaitOthers(ctx context.Context, ends map[int32]int64) (done bool, err error) {
	for {
		committed, err := kafkaio.CommittedOffsets(ctx, j.Cluster, j.Group, j.Topic)
		if ctx.Err() != nil {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		done := true
		for partition, end := range ends {
			done = done && committed[partition] >= end
		}
		if done {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(pollEnd):
		}
	}
}
