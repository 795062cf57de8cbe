package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/segmentio/kafka-go"
)

// Settings of topics.
const (
	maxMessageBytes = "max.message.bytes"
	cleanupPolicy   = "cleanup.policy"
)

// topicSettings returns the topic's own settings or the broker's defaults for them. A setting that the broker does not
// tell is left out.
func (c *client) topicSettings(ctx context.Context, topic string, names ...string) (map[string]string, error) {
	res, err := c.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: names}}})
	if err != nil {
		return nil, fmt.Errorf("kafka: read the settings of topic %s: %w", topic, err)
	}
	settings := map[string]string{}
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, fmt.Errorf("kafka: read the settings of topic %s: %w", topic, r.Error)
		}
		for _, e := range r.ConfigEntries {
			settings[e.ConfigName] = e.ConfigValue
		}
	}
	return settings, nil
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
