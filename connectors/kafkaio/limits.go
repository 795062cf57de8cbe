package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"
)

// Settings of topics.
const (
	maxMessageBytes = "max.message.bytes"
	cleanupPolicy   = "cleanup.policy"
)

// leastRecord is what an outcome needs at most, and a dead letter without its frame.
const leastRecord = 16 << 10

// topicConfig holds the settings of a topic that the broker reports, by name.
type topicConfig map[string]string

// compacted reports whether the topic keeps only the last record of each key.
func (s topicConfig) compacted() bool {
	return slices.Contains(strings.Split(s[cleanupPolicy], ","), "compact")
}

// roomFor returns how large a batch of records the topic takes, 0 where the broker does not tell. A topic that takes
// hardly any bytes is an error.
func (s topicConfig) roomFor(what, topic string) (int64, error) {
	limit, err := strconv.ParseInt(s[maxMessageBytes], 10, 64)
	if err != nil {
		return 0, nil
	}
	if limit < leastRecord {
		return 0, fmt.Errorf("kafka: use %s for %s: its %s of %d is too small for one: name another topic, or set it to %d or more", topic, what, maxMessageBytes, limit, leastRecord)
	}
	return limit, nil
}

// topicSettings returns the topic's own settings or the broker's defaults for them. A setting that the broker does not
// tell is left out.
func (c *client) topicSettings(ctx context.Context, topic string, names ...string) (topicConfig, error) {
	res, err := c.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: names}}})
	if err != nil {
		return nil, fmt.Errorf("kafka: read the settings of topic %s: %w", topic, err)
	}
	told := topicConfig{}
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, fmt.Errorf("kafka: read the settings of topic %s: %w", topic, r.Error)
		}
		for _, e := range r.ConfigEntries {
			told[e.ConfigName] = e.ConfigValue
		}
	}
	return told, nil
}

// maxMessageBytes returns how large a batch of records the topic takes.
func (c *client) maxMessageBytes(ctx context.Context, topic string) (int64, error) {
	settings, err := c.topicSettings(ctx, topic, maxMessageBytes)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(settings[maxMessageBytes], 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("kafka: read the settings of topic %s: %s is %q", topic, maxMessageBytes, settings[maxMessageBytes])
	}
	return n, nil
}

// errTooLarge is in the chain of an error about a record that is larger than the topic takes.
var errTooLarge = errors.New("record too large")

func isTooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// tooLarge words the refusal of refused of sent records, the first of which is m.
func (w *writer) tooLarge(m kafka.Message, refused, sent int) error {
	is := "is"
	if w.limit > 0 {
		is = fmt.Sprintf("of %d is", w.limit)
	}
	enough := (sizeOf(&m) + batchOverhead + 1<<20 - 1) >> 20 << 20 // whole MiB
	return fmt.Errorf("kafka: write %d of %d records to %s, first that of %q: %w: it has %d bytes, and the topic's setting %s %s lower: "+
		"raise that (kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%d) or send smaller images",
		refused, sent, w.topic, m.Key, errTooLarge, len(m.Value), maxMessageBytes, is, w.topic, maxMessageBytes, enough)
}
