package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

// commitEvery bounds how often offsets are committed, and how far they trail behind the files.
const commitEvery = time.Second

// Ledger commits to a consumer group how far each partition's outcomes are durable, so that Kafka's tools
// show the true lag. The files are the truth; the committed offset follows them and is never ahead: it is
// the first offset, from where the job began, whose outcome is not durable.
type Ledger struct {
	client       *client
	group, topic string
	member       bool // of the group, by an Assignment
	send         func(ctx context.Context, next map[int32]int64) error

	job       *session.Session // knows what is durable
	next      map[int32]int64  // by partition: every offset from the job's begin up to here is durable
	committed map[int32]int64

	err    error // of run's last commit
	cancel context.CancelFunc
	ended  chan struct{}
}

// OpenLedger begins to commit to group what is durable by the session of the job, which reads spans of topic. It commits
// for the last time when the session is closed. An unreachable broker is an error within 10 s.
func OpenLedger(ctx context.Context, cluster Cluster, group, topic string, spans []Span, job *session.Session) error {
	c, err := cluster.connect(topic)
	if err != nil {
		return err
	}
	return openLedger(ctx, spans, &Ledger{
		job: job, client: c, group: group, topic: topic,
		send: func(ctx context.Context, next map[int32]int64) error { return c.commitOffsets(ctx, group, topic, next) },
	})
}

// OpenLedgerIn is OpenLedger for a member of a group, which commits what it was assigned. What the group has
// given to another member by the time of a commit is left to that one.
func OpenLedgerIn(ctx context.Context, cluster Cluster, a Assignment, spans []Span, job *session.Session) error {
	c, err := cluster.connect(a.topic)
	if err != nil {
		return err
	}
	return openLedger(ctx, spans, &Ledger{job: job, client: c, group: a.gen.GroupID, topic: a.topic, member: true, send: a.commit})
}

func openLedger(ctx context.Context, spans []Span, l *Ledger) error {
	l.next, l.committed, l.ended = map[int32]int64{}, map[int32]int64{}, make(chan struct{})
	for _, s := range spans {
		l.job.Begin(l.topic, map[int32]schemas.Offsets{s.Partition: s.Done})
		l.next[s.Partition] = s.From
	}
	_, err := session.Part(l.job, "kafkaio.Ledger", func() (*Ledger, error) { return l, l.start(ctx) })
	return err
}

func (l *Ledger) start(ctx context.Context) error {
	if err := l.commitSoon(ctx); err != nil {
		l.client.close()
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.run(run)
	return nil
}

// Close commits what is durable by now and ends the ledger; the session calls it.
func (l *Ledger) Close() error {
	l.cancel()
	<-l.ended
	err := l.commitSoon(context.Background())
	l.client.close()
	return err
}

// commitSoon is commit where no later call would try again. For a member one does: its connection is that of its
// membership, and when that breaks the assignment ends, and the next owner of the partitions commits what the files hold.
func (l *Ledger) commitSoon(ctx context.Context) error {
	if l.member {
		l.report(l.commit(ctx))
		return nil
	}
	return mayPass(settled(ctx, func() error { return l.commit(ctx) }))
}

// settled repeats a request, for requestTimeout at most, while its group's coordinator is on the move: on a new
// cluster the first request makes the coordinator, which refuses it, and after a broker's restart the first one
// finds a dead connection.
func settled(ctx context.Context, request func() error) error {
	moving := retry.Outage{For: requestTimeout, Passes: func(err error) bool { return errors.Is(mayPass(err), ErrUnavailable) }}
	return retry.Do(ctx, moving, request)
}

func (l *Ledger) run(ctx context.Context) {
	defer close(l.ended)
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.commit(ctx)
		if ctx.Err() != nil {
			return
		}
		l.report(err)
	}
}

// report says once that commits fail and once that they work again: nothing is lost meanwhile, since a
// later commit covers an earlier one and Close returns what still fails then.
func (l *Ledger) report(err error) {
	switch {
	case err != nil && l.err == nil:
		slog.Warn("committing offsets fails; retrying", "group", l.group, "topic", l.topic, "error", err)
	case err == nil && l.err != nil:
		slog.Info("committing offsets works again", "group", l.group, "topic", l.topic)
	}
	l.err = err
}

// commit commits the partitions that have moved on.
func (l *Ledger) commit(ctx context.Context) error {
	moved := l.moved()
	if len(moved) == 0 {
		return nil
	}
	if err := l.send(ctx, moved); err != nil {
		return err
	}
	maps.Copy(l.committed, moved)
	return nil
}

// commitOffsets commits the next offset of some partitions, as no member of the group.
func (c *client) commitOffsets(ctx context.Context, group, topic string, next map[int32]int64) error {
	request := make([]kafka.OffsetCommit, 0, len(next))
	for p, offset := range next {
		request = append(request, kafka.OffsetCommit{Partition: int(p), Offset: offset})
	}
	res, err := c.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1, // of no member: the group only keeps offsets
		Topics: map[string][]kafka.OffsetCommit{topic: request},
	})
	if err != nil {
		return fmt.Errorf("kafka: commit offsets of %s to group %s: %w", topic, group, bare(err))
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return fmt.Errorf("kafka: commit offsets of %s/%d to group %s: %w", topic, p.Partition, group, commitHint(p.Error))
		}
	}
	return nil
}

func commitHint(err error) error {
	if errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration) {
		return fmt.Errorf("another consumer is a member of that group: choose another group: %w", err)
	}
	return err
}

// moved returns the next offset of each partition whose commit would say something new.
func (l *Ledger) moved() map[int32]int64 {
	moved := map[int32]int64{}
	for id, from := range l.next {
		l.next[id] = l.job.NextMissing(l.topic, id, from)
		if was, ok := l.committed[id]; !ok || was != l.next[id] {
			moved[id] = l.next[id]
		}
	}
	return moved
}

// CommittedOffsets returns, by partition, what group has committed of topic; a partition without a commit is
// left out. An unreachable broker or a missing topic is an error within 10 s, an [ErrUnavailable]
// where it may pass.
func CommittedOffsets(ctx context.Context, cluster Cluster, group, topic string) (map[int32]int64, error) {
	return ofTopic(ctx, cluster, topic, func(c *client, ids []int32) (map[int32]int64, error) {
		return c.committedOffsets(ctx, group, topic, ids)
	})
}

func (c *client) committedOffsets(ctx context.Context, group, topic string, ids []int32) (map[int32]int64, error) {
	request := make([]int, len(ids))
	for i, id := range ids {
		request[i] = int(id)
	}
	var res *kafka.OffsetFetchResponse
	err := settled(ctx, func() (err error) {
		res, err = c.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: request}})
		if err == nil {
			err = res.Error
		}
		return err
	})
	committed := map[int32]int64{}
	if errors.Is(err, kafka.GroupIdNotFound) {
		return committed, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kafka: read the committed offsets of group %s: %w", group, err)
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("kafka: read the committed offset of %s/%d of group %s: %w", topic, p.Partition, group, p.Error)
		}
		if p.CommittedOffset >= 0 {
			committed[int32(p.Partition)] = p.CommittedOffset
		}
	}
	return committed, nil
}
