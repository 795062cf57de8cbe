package kafkaio

import (
	"context"
	"log/slog"
)

// outcomePartitions is what an outcomes topic gets when it has to be created.
const outcomePartitions = 6

// EnsureOutcomesTopic creates topic, for outcomes, unless it exists. It warns when the topic is compacted: that keeps
// the last outcome of each stream, which may be what its readers want. A topic that takes hardly any bytes could not
// hold an outcome, which is an error.
func EnsureOutcomesTopic(ctx context.Context, cluster Cluster, topic string) error {
	if _, err := EnsureTopic(ctx, cluster, topic, outcomePartitions); err != nil {
		return err
	}
	c, err := cluster.connect(topic)
	if err != nil {
		return err
	}
	defer c.close()
	told, err := c.topicSettings(ctx, topic, maxMessageBytes, cleanupPolicy)
	if err != nil {
		slog.Debug("the outcomes topic does not report its settings", "topic", topic, "error", err)
		return nil
	}
	if told.compacted() {
		slog.Warn("the outcomes topic is compacted: it keeps the last outcome of each stream; the data set keeps all", "topic", topic)
	}
	_, err = told.roomFor("outcomes", topic)
	return err
}
