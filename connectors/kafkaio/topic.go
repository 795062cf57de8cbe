package kafkaio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/retry"
)

// Partition is what one partition of a topic holds for a consumer with read_committed: the records of [First, End),
// less what was compacted away and what aborted transactions left.
type Partition struct {
	ID         int32
	First, End int64
	Open       int64 // how many offsets follow End that cannot be read before an open transaction ends
}

// Describe returns the partitions of topic in order of their ids. An unreachable broker or a missing topic
// is an error within 10 s, an [ErrUnavailable] where it may pass.
func Describe(ctx context.Context, cluster Cluster, topic string) ([]Partition, error) {
	return ofTopic(ctx, cluster, topic, func(c *client, ids []int32) ([]Partition, error) {
		// asked first, so that what is produced in between does not count as held back
		written, err := c.listOffsets(ctx, topic, kafka.ReadUncommitted, requests(ids, kafka.LastOffsetOf))
		if err != nil {
			return nil, err
		}
		all, err := c.bounds(ctx, topic, ids)
		for i, p := range all {
			all[i].Open = max(0, written[p.ID].LastOffset-p.End)
		}
		return all, err
	})
}

// EndOffsets returns, by partition, the end offset of topic: Partition.End, for less than [Describe] costs.
func EndOffsets(ctx context.Context, cluster Cluster, topic string) (map[int32]int64, error) {
	partitions, err := ofTopic(ctx, cluster, topic, func(c *client, ids []int32) ([]Partition, error) { return c.bounds(ctx, topic, ids) })
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		ends[p.ID] = p.End
	}
	return ends, nil
}

// ofTopic connects, finds the ids of the topic's partitions and asks about them, again while a partition has no leader: a topic that somebody
// has just created, a broker that restarts. Errors that may pass are marked so.
func ofTopic[T any](ctx context.Context, cluster Cluster, topic string, ask func(*client, []int32) (T, error)) (T, error) {
	var none T
	c, err := cluster.connect(topic)
	if err != nil {
		return none, err
	}
	defer c.close()
	ids, err := c.partitions(ctx, cluster, topic)
	if err != nil {
		return none, mayPass(err)
	}
	answer, err := retry.Get(ctx, retry.Outage{For: requestTimeout, Passes: electing}, func() (T, error) { return ask(c, ids) })
	return answer, mayPass(err)
}

// electing reports whether a partition has no leader, or another one than before.
func electing(err error) bool {
	return errors.Is(err, kafka.LeaderNotAvailable) || errors.Is(err, kafka.NotLeaderForPartition)
}

// EnsureTopic creates topic with so many partitions unless it exists, and returns how many it has.
func EnsureTopic(ctx context.Context, cluster Cluster, topic string, partitions int) (int, error) {
	return ensureTopic(ctx, cluster, kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1})
}

func ensureTopic(ctx context.Context, cluster Cluster, config kafka.TopicConfig) (int, error) {
	topic := config.Topic
	c, err := cluster.connect(topic)
	if err != nil {
		return 0, err
	}
	defer c.close()
	if ids, err := c.partitions(ctx, cluster, topic); err == nil {
		return len(ids), nil
	} else if !errors.Is(err, kafka.UnknownTopicOrPartition) {
		return 0, err
	}
	res, err := c.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{config},
	})
	if err != nil {
		return 0, fmt.Errorf("kafka: create topic %s: %w", topic, err)
	}
	if err := res.Errors[topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return 0, fmt.Errorf("kafka: create topic %s with %d partitions: %w", topic, config.NumPartitions, err)
	}
	return c.awaitTopic(ctx, cluster, topic)
}

// awaitTopic waits until every partition of a topic just created has a leader.
func (c *client) awaitTopic(ctx context.Context, cluster Cluster, topic string) (int, error) {
	ids, err := retry.Get(ctx, retry.Outage{For: requestTimeout}, func() ([]int32, error) {
		ids, err := c.partitions(ctx, cluster, topic)
		if err == nil {
			_, err = c.bounds(ctx, topic, ids)
		}
		return ids, err
	})
	if err != nil {
		return 0, fmt.Errorf("kafka: create topic %s: not ready after %s: %w", topic, requestTimeout, err)
	}
	return len(ids), nil
}

// partitions returns the ids of topic's partitions in ascending order.
func (c *client) partitions(ctx context.Context, cluster Cluster, topic string) ([]int32, error) {
	meta, err := c.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, cluster.unreachable(err)
	}
	t := meta.Topics[0]
	if t.Error != nil {
		return nil, fmt.Errorf("kafka: read topic %q: create it or correct its name: %w", topic, t.Error)
	}
	ids := make([]int32, len(t.Partitions))
	for i, p := range t.Partitions {
		ids[i] = int32(p.ID)
	}
	slices.Sort(ids)
	return ids, nil
}

// bounds returns the first and the end offset of each partition.
func (c *client) bounds(ctx context.Context, topic string, ids []int32) ([]Partition, error) {
	offsets, err := c.listOffsets(ctx, topic, kafka.ReadCommitted, requests(ids, kafka.FirstOffsetOf, kafka.LastOffsetOf))
	if err != nil {
		return nil, err
	}
	partitions := make([]Partition, 0, len(ids))
	for id, p := range offsets {
		partitions = append(partitions, Partition{ID: id, First: p.FirstOffset, End: p.LastOffset})
	}
	slices.SortFunc(partitions, func(a, b Partition) int { return cmp.Compare(a.ID, b.ID) })
	return partitions, nil
}

func requests(ids []int32, kinds ...func(partition int) kafka.OffsetRequest) []kafka.OffsetRequest {
	all := make([]kafka.OffsetRequest, 0, len(kinds)*len(ids))
	for _, id := range ids {
		for _, kind := range kinds {
			all = append(all, kind(int(id)))
		}
	}
	return all
}

func (c *client) listOffsets(ctx context.Context, topic string, level kafka.IsolationLevel, requests []kafka.OffsetRequest) (map[int32]kafka.PartitionOffsets, error) {
	res, err := c.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}, IsolationLevel: level})
	if err != nil {
		return nil, fmt.Errorf("kafka: list the offsets of %s: %w", topic, err)
	}
	offsets := make(map[int32]kafka.PartitionOffsets, len(requests))
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("kafka: list the offsets of %s/%d: %w", topic, p.Partition, p.Error)
		}
		offsets[int32(p.Partition)] = p
	}
	return offsets, nil
}
