package pipelines

import (
	"context"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/retry"
)

// pollEnd is how often a member without work looks whether the others have some.
const pollEnd = time.Second

// share runs jobs over whatever the group assigns to this process. When the assignment changes the running job drains,
// and the next one resumes from the files, those of the other members included. The group decides who reads what; that
// no offset gets two rows, whatever a member believes, is up to parquetio (WriteConfig.Shared).
func share(ctx context.Context, s *supervisor) error {
	ends, err := kafkaio.EndOffsets(ctx, s.Cluster, s.Topic)
	if err != nil {
		return err
	}
	return kafkaio.Share(ctx, s.Cluster, s.Group, s.Topic, s.SessionTimeout,
		func(assignment context.Context, a kafkaio.Assignment) (bool, error) {
			s.scope = scope{assigned: &a, ends: ends}
			working, end := context.WithCancelCause(context.WithoutCancel(assignment))
			defer end(nil)
			defer context.AfterFunc(assignment, func() {
				if ctx.Err() != nil {
					end(reasonStopped)
				} else {
					end(reasonReassigned)
				}
			})()
			return workOn(working, s)
		})
}

// workOn does the work of one assignment; all says that there is none left for anybody.
func workOn(ctx context.Context, s *supervisor) (all bool, err error) {
	if len(s.scope.assigned.Partitions) > 0 {
		why, err := s.run(ctx)
		if steps[why].next == nextFail {
			return false, err
		}
	}
	if s.UntilEnd {
		return awaitOthers(ctx, s.config, s.scope.ends)
	}
	<-ctx.Done()
	return false, nil
}

// awaitOthers returns true when the whole topic is done up to ends. Until then this member stays in the group, to
// take over from one that dies.
func awaitOthers(ctx context.Context, c config, ends map[int32]int64) (all bool, err error) {
	for ctx.Err() == nil {
		committed, err := retry.Get(ctx, kafkaAway(c.Topic), func() (map[int32]int64, error) {
			return kafkaio.CommittedOffsets(ctx, c.Cluster, c.Group, c.Topic)
		})
		if ctx.Err() != nil {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		all := true
		for partition, end := range ends {
			all = all && committed[partition] >= end
		}
		if all {
			return true, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEnd):
		}
	}
	return false, nil
}
