package kafkaio

import (
	"context"

	"github.com/segmentio/kafka-go"
)

// produce appends records to a partition in one request, as one batch, and returns the offset of the first. Every in-sync
// replica has them then.
func (c *client) produce(ctx context.Context, topic string, partition int32, records []kafka.Record) (first int64, err error) {
	res, err := c.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: int(partition), RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return 0, err
	}
	return res.BaseOffset, nil
}

// recordOf is a message as a request carries it.
func recordOf(m *kafka.Message) kafka.Record {
	return kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Time: m.Time, Headers: m.Headers}
}

func recordsOf(messages []kafka.Message) []kafka.Record {
	records := make([]kafka.Record, len(messages))
	for i := range messages {
		records[i] = recordOf(&messages[i])
	}
	return records
}
