package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/retry"
)

const (
	linger       = time.Millisecond // how long a batch waits for more records: a bundle hands over all that it has at once
	batchRecords = 500
	batchBytes   = 1_000_000 // of records in a batch, at most
	maxRecord    = 1 << 30   // bytes of a record; the broker's limit applies first
	sendAttempts = 600       // at up to a second each: an outage is waited for as long as in reading

	// What a batch takes on the wire in addition to its records as [sizeOf] counts them.
	batchOverhead = 128
)

// writer sends records to one topic and returns once every in-sync replica has them. Brokers limit the bytes of a batch
// (max.message.bytes): the writer reads the topic's limit, sends records that do not fit a shared batch in batches of their
// own, and divides a batch that is refused nevertheless.
type writer struct {
	batches *kafka.Writer
	singles *kafka.Writer // a batch for each record
	client  *client
	topic   string

	ask   sync.Once // before the first write
	limit int64     // max.message.bytes of the topic, 0 where the broker does not report it

	sayOnce sync.Once // that records are too large

	open   sync.RWMutex // held for reading while requests are sent beside kafka-go's writers
	closed bool         // under open
}

func (c Cluster) newWriter(topic string) (*writer, error) {
	client, err := c.connect(topic)
	if err != nil {
		return nil, err
	}
	w := &writer{client: client, topic: topic}
	w.batches, w.singles = w.sender(batchRecords, batchBytes), w.sender(1, maxRecord)
	return w, nil
}

// sender returns kafka-go's writer with batches of at most that many records and bytes.
func (w *writer) sender(records int, bytes int64) *kafka.Writer {
	return &kafka.Writer{
		Addr:         w.client.Addr,
		Topic:        w.topic,
		Transport:    &patient{RoundTripper: w.client.transport, topic: w.topic},
		Balancer:     kafka.Murmur2Balancer{Consistent: true}, // as Java's default: a key has one partition, whichever client sends it
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: linger,
		BatchSize:    records,
		BatchBytes:   bytes,
		MaxAttempts:  sendAttempts,
	}
}

// write sends messages, those of a partition in order, unless a batch has to be divided: then its records follow the next
// batches. If the topic refuses a record for its size, write returns an [errTooLarge] after it has sent the others.
func (w *writer) write(ctx context.Context, messages []kafka.Message) error {
	refused, err := w.deliver(ctx, messages)
	if err != nil || len(refused) == 0 {
		return err
	}
	return w.tooLarge(refused[0], len(refused), len(messages))
}

// deliver sends messages and returns those that the topic refuses for their size.
func (w *writer) deliver(ctx context.Context, messages []kafka.Message) (refused []kafka.Message, err error) {
	w.ask.Do(func() { w.adapt(ctx) })
	for len(messages) > 0 {
		n, large := w.run(messages)
		part, to := messages[:n], w.batches
		if large {
			to = w.singles
		} else if part = w.together(ctx, part); len(part) == 0 {
			messages = messages[n:]
			continue
		} else if err := ctx.Err(); err != nil {
			return refused, fmt.Errorf("kafka: write %d records to %s: %w", len(part), w.topic, err)
		}
		left, err := w.send(ctx, to, part)
		if len(left) > 0 && !large {
			left, err = w.send(ctx, w.singles, left)
		}
		if err != nil {
			return refused, err
		}
		refused, messages = append(refused, left...), messages[n:]
	}
	return refused, nil
}

// adapt limits batches to the topic's limit. If the broker does not report it, Kafka's default or more is likely; otherwise
// refused batches are divided.
func (w *writer) adapt(ctx context.Context) {
	limit, err := w.client.maxMessageBytes(ctx, w.topic)
	if err != nil {
		slog.Debug("the topic does not report its max.message.bytes", "topic", w.topic, "error", err)
		return
	}
	w.limit = limit
	w.batches.BatchBytes = max(1, min(batchBytes, limit-batchOverhead))
}

// run returns how many of the first messages go out together, and whether each needs a batch of its own.
func (w *writer) run(messages []kafka.Message) (n int, large bool) {
	large = sizeOf(&messages[0]) > w.batches.BatchBytes
	for n = 1; n < len(messages) && sizeOf(&messages[n]) > w.batches.BatchBytes == large; n++ {
	}
	return n, large
}

// sizeOf returns the bytes of a record on the wire, or slightly more: kafka-go's own count too stays below it.
func sizeOf(m *kafka.Message) int64 {
	n := 40 + len(m.Key) + len(m.Value)
	for i := range m.Headers {
		n += 10 + len(m.Headers[i].Key) + len(m.Headers[i].Value)
	}
	return int64(n)
}

// send sends messages and returns those refused for the size of their batch.
func (w *writer) send(ctx context.Context, to *kafka.Writer, messages []kafka.Message) (refused []kafka.Message, err error) {
	if err = w.sendAll(ctx, to, messages); err == nil {
		return nil, nil
	}
	var each kafka.WriteErrors
	if !errors.As(err, &each) {
		return nil, fmt.Errorf("kafka: write %d records to %s: %w", len(messages), w.topic, err)
	}
	for i, e := range each { // one error a message, most of them nil
		switch {
		case isTooLarge(e):
			refused = append(refused, messages[i])
		case e != nil:
			return nil, fmt.Errorf("kafka: write %d of %d records to %s, first that of %q: %w",
				each.Count(), len(messages), w.topic, messages[i].Key, e)
		}
	}
	return refused, nil
}

// sendAll sends messages. kafka-go tries a batch again and again, but not to find out where it has to go: while no
// broker answers that, nothing was sent, and all of it can be tried again in order.
func (w *writer) sendAll(ctx context.Context, to *kafka.Writer, messages []kafka.Message) error {
	return retry.Do(ctx, retry.Outage{
		Passes: unsent,
		Ended:  func(after time.Duration) { slog.Info("writing continues", "topic", w.topic, "after", after) },
	}, func() error { return to.WriteMessages(ctx, messages...) })
}

// Close waits for what is being sent and closes the connections.
func (w *writer) Close() error {
	w.open.Lock()
	w.closed = true
	w.open.Unlock()
	err := errors.Join(w.batches.Close(), w.singles.Close())
	w.client.close()
	if err != nil {
		return fmt.Errorf("kafka: close the writer of %s: %w", w.topic, err)
	}
	return nil
}
