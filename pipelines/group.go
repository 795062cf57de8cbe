package pipelines

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

const (
	pollEnd  = time.Second      // how often a member without work looks whether the others have some, and asks Kafka again
	patience = 10 * time.Minute // how long a Kafka that does not answer is asked, as long as the source asks it
)

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
			err = patiently(ctx, j.Topic, func() error {
				if len(a.Partitions) == 0 {
					return nil
				}
				return j.run(ctx, part{assigned: &a, ends: ends})
			})
			if err != nil {
				return false, err
			}
			if j.UntilEnd {
				return j.awaitOthers(ctx, ends)
			}
			<-ctx.Done()
			return false, nil
		})
}

// patiently calls do, and again where Kafka could not be asked what is left to do. What comes of it when the
// assignment has ended meanwhile is for the next one.
func patiently(ctx context.Context, topic string, do func() error) error {
	for failing := (time.Time{}); ; {
		err := do()
		if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, kafkaio.ErrUnavailable)) {
			return nil
		}
		if !errors.Is(err, kafkaio.ErrUnavailable) {
			return err
		}
		if failing.IsZero() {
			failing = time.Now()
			slog.Warn("Kafka does not say what is left to do; asking again", "topic", topic, "for", patience, "error", err)
		}
		if time.Since(failing) > patience {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEnd):
		}
	}
}

// awaitOthers returns true when the whole topic is done up to ends. Until then this member stays in the group, to
// take over from one that dies.
func (j job) awaitOthers(ctx context.Context, ends map[int32]int64) (done bool, err error) {
	for ctx.Err() == nil {
		var committed map[int32]int64
		err := patiently(ctx, j.Topic, func() (err error) {
			committed, err = kafkaio.CommittedOffsets(ctx, j.Cluster, j.Group, j.Topic)
			return err
		})
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
		case <-time.After(pollEnd):
		}
	}
	return false, nil
}
