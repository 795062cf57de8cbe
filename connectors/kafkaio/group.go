package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/retry"
)

// DefaultSessionTimeout is how long a member of a group may be silent before its partitions go to others.
const DefaultSessionTimeout = 15 * time.Second

// rebalanceTimeout is how long the others wait for a member to end what it has in flight.
const rebalanceTimeout = time.Minute

// Assignment is what a member of a group may work on until the group changes.
type Assignment struct {
	Partitions []int32 // ascending; empty where there are more members than partitions

	topic string
	gen   *kafka.Generation
}

// commit commits the offset to be read next of some partitions.
func (a *Assignment) commit(_ context.Context, next map[int32]int64) error {
	offsets := make(map[int]int64, len(next))
	for p, at := range next {
		offsets[int(p)] = at
	}
	err := a.gen.CommitOffsets(map[string]map[int]int64{a.topic: offsets})
	switch {
	case errors.Is(err, kafka.RebalanceInProgress), errors.Is(err, kafka.IllegalGeneration), errors.Is(err, kafka.UnknownMemberId):
		return nil // another member owns the partitions now and commits what the files hold
	case err != nil:
		return fmt.Errorf("kafka: commit offsets of %s to group %s: %w", a.topic, a.gen.GroupID, err)
	}
	return nil
}

// Share joins group as a member and calls work for each assignment of topic's partitions, one at a time. The
// context of a call ends with the assignment, or with ctx; work then has to finish soon, since the other members
// wait for it, and may be called again. Share ends when work returns done or an error, or when ctx is done and
// work has returned. session is the group's session timeout, 0 for DefaultSessionTimeout: it should be longer than
// work takes to finish, else the partitions go to others before. A group that cannot be joined is an error,
// at the start within 20 s and later once that has gone on for 10 minutes; what the brokers refuse, such as a
// session timeout that they do not allow, is one at once.
func Share(ctx context.Context, cluster Cluster, group, topic string, session time.Duration,
	work func(ctx context.Context, a Assignment) (done bool, err error)) (err error) {
	members, err := cluster.join(group, topic, session)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, members.Close()) }()
	var failing time.Time
	for joined := false; ctx.Err() == nil; {
		gen, err := members.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			joined, failing = true, time.Time{}
			if done, err := workIn(ctx, gen, topic, work); done || err != nil {
				return err
			}
		case errors.Is(err, kafka.RebalanceInProgress): // joined again at once
		case !joined && refused(err):
			return joinError(group, err)
		case failing.IsZero():
			failing = time.Now()
			slog.Warn("not a member of the group; joining again", "group", group, "error", err)
		default:
			if down := time.Since(failing); down > retry.Budget || !joined && down > requestTimeout {
				return joinError(group, err)
			}
		}
	}
	return nil
}

// refused reports whether the brokers refuse a member for its request, so that retrying is useless.
func refused(err error) bool {
	var answer kafka.Error
	return errors.As(err, &answer) && !answer.Temporary() &&
		!slices.Contains([]kafka.Error{kafka.IllegalGeneration, kafka.UnknownMemberId, kafka.MemberIDRequired}, answer)
}

func joinError(group string, err error) error {
	if errors.Is(err, kafka.InvalidSessionTimeout) {
		return fmt.Errorf("kafka: join group %s: --session-timeout is outside the brokers' range, group.min.session.timeout.ms to group.max.session.timeout.ms (by default 6 s to 30 min): %w", group, err)
	}
	return fmt.Errorf("kafka: join group %s: %w", group, err)
}

// join prepares a member; kafka-go joins in the background.
func (c Cluster) join(group, topic string, session time.Duration) (*kafka.ConsumerGroup, error) {
	if session <= 0 {
		session = DefaultSessionTimeout
	}
	dialer := &kafka.Dialer{ClientID: "cachenet", Timeout: dialTimeout, DialFunc: c.dial}
	var err error
	if dialer.TLS, err = c.Security.tls(); err != nil {
		return nil, err
	}
	if dialer.SASLMechanism, err = c.Security.sasl(); err != nil {
		return nil, err
	}
	members, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: c.Brokers, Topics: []string{topic}, Dialer: dialer,
		SessionTimeout: session, HeartbeatInterval: session / 5, RebalanceTimeout: max(rebalanceTimeout, session),
		JoinGroupBackoff: 50 * time.Millisecond, Timeout: requestTimeout, WatchPartitionChanges: true,
	})
	if err != nil {
		return nil, fmt.Errorf("kafka: join group %s: %w", group, err)
	}
	return members, nil
}

// workIn calls work inside a generation, which holds up the next one until work returns.
func workIn(ctx context.Context, gen *kafka.Generation, topic string,
	work func(context.Context, Assignment) (bool, error)) (done bool, err error) {
	a := Assignment{topic: topic, gen: gen}
	for _, p := range gen.Assignments[topic] {
		a.Partitions = append(a.Partitions, int32(p.ID))
	}
	slices.Sort(a.Partitions)
	slog.Info("group assigned partitions", "group", gen.GroupID, "topic", topic, "generation", gen.ID, "partitions", a.Partitions)
	ended := make(chan struct{})
	gen.Start(func(generation context.Context) {
		defer close(ended)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(generation, cancel)()
		done, err = work(ctx, a)
	})
	<-ended
	return done, err
}
