package kafkaio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/link"
)

// Log is a topic of records that are appended and read by their offset, without a consumer group: one request a call, which
// the caller repeats as it likes. Its methods may be called concurrently.
type Log struct {
	cluster Cluster
	topic   string
	client  *client
}

// LogRecord is a record of a [Log].
type LogRecord struct {
	Offset int64     // where it is; ignored by Append
	Time   time.Time // when it was appended, in milliseconds; ignored by Append
	Key    []byte
	Value  []byte // nil: in a compacted topic the record deletes those with its key
}

// Equal reports whether both are the same record of the same topic.
func (r LogRecord) Equal(o LogRecord) bool {
	return r.Offset == o.Offset && r.Time.Equal(o.Time) && bytes.Equal(r.Key, o.Key) && bytes.Equal(r.Value, o.Value)
}

// Errors of a Log. ErrNoOffset says that the log does not hold an offset (any more), ErrNoLog that there is no such topic.
var (
	ErrNoOffset = errors.New("the topic does not hold this offset")
	ErrNoLog    = errors.New("the topic does not exist")
	// ErrLogRefuses says that a record or a topic of this kind is never taken.
	ErrLogRefuses = errors.New("the brokers refuse it")
)

// OpenLog prepares a log. Over is the link that its connections share, for tests and benchmarks; nil: as they are. It makes no request.
func OpenLog(cluster Cluster, topic string, over *link.Link) (*Log, error) {
	c, err := cluster.connect(topic)
	if err != nil {
		return nil, err
	}
	if over != nil {
		c.over(over)
	}
	return &Log{cluster: cluster, topic: topic, client: c}, nil
}

// Topic is the name of the log's topic.
func (l *Log) Topic() string { return l.topic }

// Close closes the connections.
func (l *Log) Close() { l.client.close() }

// Create creates the topic, compacted, with so many partitions, unless it exists. One with fewer partitions is an error.
func (l *Log) Create(ctx context.Context, partitions int) error {
	config := kafka.TopicConfig{Topic: l.topic, NumPartitions: partitions, ReplicationFactor: -1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: cleanupPolicy, ConfigValue: "compact"}}}
	have, err := ensureTopic(ctx, l.cluster, config)
	if err == nil && have < partitions {
		err = fmt.Errorf("kafka: topic %s has %d partitions, and %d are needed: name another topic, or delete it", l.topic, have, partitions)
	}
	return l.worded(err)
}

// MaxRecord returns how many bytes a record may have so that the topic takes it, in a batch of its own; 0 where the broker does not tell.
func (l *Log) MaxRecord(ctx context.Context) int64 {
	limit, err := l.client.maxMessageBytes(ctx, l.topic)
	if err != nil {
		return 0
	}
	return max(1, limit-batchOverhead-recordOverhead)
}

// Bounds returns the first offset of a partition and the one after its last.
func (l *Log) Bounds(ctx context.Context, partition int32) (first, end int64, err error) {
	all, err := l.client.bounds(ctx, l.topic, []int32{partition})
	if err != nil {
		return 0, 0, l.worded(err)
	}
	return all[0].First, all[0].End, nil
}

// Append adds records to a partition as one batch, all of them or none, and returns the offset of the first one. Every in-sync replica has
// them then.
func (l *Log) Append(ctx context.Context, partition int32, records ...LogRecord) (int64, error) {
	sent := make([]kafka.Record, len(records))
	for i, r := range records {
		sent[i] = kafka.Record{Key: kafka.NewBytes(r.Key), Value: kafka.NewBytes(r.Value)}
	}
	first, err := l.client.produce(ctx, l.topic, partition, sent)
	if err != nil {
		return 0, l.worded(fmt.Errorf("kafka: write %d records to %s/%d: %w", len(records), l.topic, partition, err))
	}
	return first, nil
}

// Read returns records from an offset on, about as many as have that many bytes but one at least, and the offset to go on from. There are none
// where the log ends, after half a second.
func (l *Log) Read(ctx context.Context, partition int32, from, bytes int64) (records []LogRecord, next int64, err error) {
	res, err := l.client.fetchCommitted(ctx, l.topic, position{partition, from, bytes})
	if err != nil {
		return nil, from, l.worded(fmt.Errorf("kafka: read %s/%d from offset %d: %w", l.topic, partition, from, err))
	}
	b, err := readBatch(res, filter{from: from, to: Unbounded, limit: int(max(bytes, maxRecord))})
	if err != nil {
		return nil, from, fmt.Errorf("kafka: read %s/%d from offset %d: %w", l.topic, partition, from, err)
	}
	for _, r := range b.records {
		records = append(records, LogRecord{Offset: r.offset, Time: r.time, Key: r.key, Value: r.value})
	}
	return records, b.next, nil
}

// worded marks errors that callers treat separately. After an error the next request looks up the partition's leader again.
func (l *Log) worded(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kafka.OffsetOutOfRange):
		err = fmt.Errorf("%w: %w", ErrNoOffset, err)
	case missing(err):
		err = fmt.Errorf("%w: %w", ErrNoLog, err)
	case errors.As(err, new(kafka.Error)) && !errors.Is(mayPass(err), ErrUnavailable):
		err = fmt.Errorf("%w: %w", ErrLogRefuses, err)
	}
	l.client.close()
	return err
}
