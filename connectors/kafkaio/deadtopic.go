package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/segmentio/kafka-go"
)

const (
	deadPartitions = 1
	deadBytes      = 64 << 20 // a letter is as large as the frame was
)

// EnsureDeadLetterTopic creates topic, for the dead letters of frames from the topic frames, unless it exists. It warns
// when the topic takes only smaller records than frames does. A topic that is compacted would lose letters, and one
// that takes hardly any bytes could not hold one: both are errors.
func EnsureDeadLetterTopic(ctx context.Context, cluster Cluster, topic, frames string) error {
	c, err := cluster.connect(topic, frames)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.partitions(ctx, cluster, topic)
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return makeDeadLetterTopic(ctx, cluster, topic)
	case err != nil:
		return err
	}
	settings, err := c.topicSettings(ctx, topic, maxMessageBytes, cleanupPolicy)
	if err != nil {
		slog.Debug("the dead-letter topic does not report its settings", "topic", topic, "error", err)
		return nil
	}
	if settings.compacted() {
		return fmt.Errorf("kafka: use %s for dead letters: it is compacted, and would keep only one letter per stream: name another topic, or set its %s to delete", topic, cleanupPolicy)
	}
	limit, err := settings.roomFor("dead letters", topic)
	if err != nil || limit == 0 {
		return err
	}
	if needed, err := c.maxMessageBytes(ctx, frames); err == nil && limit < needed {
		slog.Warn("the dead-letter topic's record size limit is below the frames topic's: letters of larger frames are written without their value; raise its max.message.bytes",
			"topic", topic, maxMessageBytes, limit, "frames", frames, "frames' "+maxMessageBytes, needed)
	}
	return nil
}

// makeDeadLetterTopic creates the topic so that it takes any frame that fits into 64 MiB, or where the cluster allows no
// such limit, with the cluster's own.
func makeDeadLetterTopic(ctx context.Context, cluster Cluster, topic string) error {
	config := kafka.TopicConfig{Topic: topic, NumPartitions: deadPartitions, ReplicationFactor: -1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: maxMessageBytes, ConfigValue: strconv.Itoa(deadBytes)}}}
	_, err := ensureTopic(ctx, cluster, config)
	if errors.Is(err, kafka.PolicyViolation) || errors.Is(err, kafka.InvalidConfiguration) {
		slog.Warn("the cluster refuses a topic for records of 64 MiB: letters of frames above its limit are written without their value", "topic", topic, "error", err)
		config.ConfigEntries = nil
		_, err = ensureTopic(ctx, cluster, config)
	}
	return err
}
