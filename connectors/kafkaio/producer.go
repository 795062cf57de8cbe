package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	frameType   = "cachenet.frame.v1"
	outcomeType = "cachenet.outcome.v1"
	specVersion = "1.0"

	linger       = 5 * time.Millisecond // how long a batch waits for more records
	batchRecords = 500
	batchBytes   = 1_000_000 // brokers take 1 MiB by default, headers of the batch included
	sendAttempts = 600       // at up to a second each: an outage is waited for as long as in reading
)

// Producer publishes frames. It may be used concurrently.
type Producer struct {
	source string
	writer *writer
}

// NewProducer prepares to publish to topic, which has to exist (see [EnsureTopic]). source goes into the
// ce_source header: who produces, as a URI reference such as "/cachenet/produce".
func NewProducer(cluster Cluster, topic, source string) (*Producer, error) {
	w, err := cluster.newWriter(topic)
	if err != nil {
		return nil, err
	}
	return &Producer{source: source, writer: w}, nil
}

// Publish sends frames and returns when every in-sync replica has them all. Stream, Sequence, EventTime
// (zero: now), ContentType, Width and Height (for RGB8), Truth and Image count; frames of one stream keep
// their order. Many frames in a call are far faster than many calls. After an error some may have been
// sent, and an interrupted send may repeat some.
func (p *Producer) Publish(ctx context.Context, frames []schemas.Frame) error {
	messages := make([]kafka.Message, len(frames))
	for i := range frames {
		messages[i] = p.message(&frames[i])
	}
	return p.writer.write(ctx, messages)
}

// Close ends the producer.
func (p *Producer) Close() error { return p.writer.Close() }

func (p *Producer) message(f *schemas.Frame) kafka.Message {
	t := f.EventTime
	if t.IsZero() {
		t = time.Now()
	}
	sequence := strconv.FormatInt(f.Sequence, 10)
	headers := cloudEvent(f.Stream+"/"+sequence, p.source, frameType, t, f.ContentType)
	headers = append(headers, header(schemas.HeaderSequence, sequence))
	if f.ContentType == schemas.RGB8 {
		headers = append(headers, header(schemas.HeaderWidth, strconv.Itoa(int(f.Width))),
			header(schemas.HeaderHeight, strconv.Itoa(int(f.Height))))
	}
	if f.Truth != "" {
		headers = append(headers, header(schemas.HeaderLabel, f.Truth))
	}
	return kafka.Message{Key: []byte(f.Stream), Value: f.Image, Time: t, Headers: headers}
}

// cloudEvent returns the headers of CloudEvents' binary mode.
func cloudEvent(id, source, kind string, t time.Time, contentType string) []kafka.Header {
	return []kafka.Header{
		header(schemas.HeaderSpec, specVersion),
		header(schemas.HeaderID, id),
		header(schemas.HeaderSource, source),
		header(schemas.HeaderType, kind),
		header(schemas.HeaderTime, t.UTC().Format(time.RFC3339Nano)),
		header(schemas.HeaderContentType, contentType),
	}
}

func header(key, value string) kafka.Header { return kafka.Header{Key: key, Value: []byte(value)} }

// writer is a kafka.Writer that acknowledges nothing before every in-sync replica has it, with the
// connections it owns.
type writer struct {
	kafka  *kafka.Writer
	client *client
}

func (c Cluster) newWriter(topic string) (*writer, error) {
	client, err := c.connect(topic)
	if err != nil {
		return nil, err
	}
	return &writer{client: client, kafka: &kafka.Writer{
		Addr:         client.Addr,
		Topic:        topic,
		Transport:    &patient{RoundTripper: client.transport, topic: topic},
		Balancer:     kafka.Murmur2Balancer{Consistent: true}, // as Java's default: a key has one partition, whoever sends it
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: linger,
		BatchSize:    batchRecords,
		BatchBytes:   batchBytes,
		MaxAttempts:  sendAttempts,
	}}, nil
}

func (w *writer) write(ctx context.Context, messages []kafka.Message) error {
	if len(messages) == 0 {
		return nil
	}
	err := w.send(ctx, messages)
	if err == nil {
		return nil
	}
	var each kafka.WriteErrors
	if errors.As(err, &each) { // one error a message, most of them nil
		for i, e := range each {
			if e != nil {
				return fmt.Errorf("kafka: to write %d of %d records to %s, first that of %q: %w",
					each.Count(), len(messages), w.kafka.Topic, messages[i].Key, e)
			}
		}
	}
	return fmt.Errorf("kafka: to write %d records to %s: %w", len(messages), w.kafka.Topic, err)
}

// send sends messages. kafka-go tries a batch again and again, but not to find out where it has to go: while no
// broker answers that, nothing was sent, and all of it can be tried again in order.
func (w *writer) send(ctx context.Context, messages []kafka.Message) error {
	var since time.Time
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		err := w.kafka.WriteMessages(ctx, messages...)
		if err == nil || !unsent(err) || ctx.Err() != nil {
			if !since.IsZero() && err == nil {
				slog.Info("writing goes on", "topic", w.kafka.Topic, "after", time.Since(since).Round(time.Millisecond))
			}
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) > defaultRetryFor {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// patient marks what may pass by itself among the reasons why a request was not sent, for kafka-go to try it again in
// its place: while brokers start, what they tell of the cluster has partitions without a leader, or not yet the topic.
// kafka-go tries in silence, so it also says, once a minute, that writing is interrupted.
type patient struct {
	kafka.RoundTripper
	topic string
	mu    sync.Mutex
	said  time.Time
}

// RoundTrip implements kafka.RoundTripper.
func (p *patient) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	res, err := p.RoundTripper.RoundTrip(ctx, addr, req)
	if err == nil || errors.Is(err, context.Canceled) {
		return res, err
	}
	p.say(err)
	for _, passes := range []error{protocol.ErrNoLeader, protocol.ErrNoTopic, protocol.ErrNoPartition, kafka.BrokerNotAvailable} {
		if errors.Is(err, passes) {
			return res, passing{err}
		}
	}
	return res, err
}

func (p *patient) say(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.said) > time.Minute {
		p.said = time.Now()
		slog.Warn("writing is interrupted", "topic", p.topic, "error", err)
	}
}

// passing is an error that kafka-go does not give up at.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// Temporary is what kafka-go asks.
func (passing) Temporary() bool { return true }

// unsent reports whether err tells that nobody could say where messages have to go.
func unsent(err error) bool {
	var each kafka.WriteErrors
	var large kafka.MessageTooLargeError
	var refused kafka.Error
	switch {
	case errors.As(err, &each), errors.As(err, &large), errors.Is(err, io.ErrClosedPipe), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &refused):
		return refused.Temporary()
	}
	return true
}

// Close waits for what is being sent and closes the connections.
func (w *writer) Close() error {
	err := w.kafka.Close()
	w.client.close()
	if err != nil {
		return fmt.Errorf("kafka: to end writing to %s: %w", w.kafka.Topic, err)
	}
	return nil
}
