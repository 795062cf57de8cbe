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

// answersAtOnce bounds how many devices a bundle's answers are sent to at the same time, and so the connections.
const answersAtOnce = 16

// answerer sends answers to the topics of all devices of a job, over one client. Devices read partition 0 of their topic, so that is where
// answers go. Its methods may be called concurrently.
type answerer struct {
	cluster Cluster
	client  *client

	mu    sync.Mutex
	known map[string]bool // topics that exist
}

func newAnswerer(cluster Cluster) (*answerer, error) {
	c, err := cluster.connect()
	return &answerer{cluster: cluster, client: c, known: map[string]bool{}}, err
}

// Close closes the connections.
func (a *answerer) Close() error { return a.client.Close() }

// send returns once every in-sync replica has the answers.
func (a *answerer) send(ctx context.Context, topic string, messages []kafka.Message) error {
	for len(messages) > 0 {
		n, bytes := 0, int64(0)
		for n < len(messages) && n < batchRecords && (n == 0 || bytes+sizeOf(&messages[n]) <= batchBytes) {
			bytes += sizeOf(&messages[n])
			n++
		}
		if err := a.deliver(ctx, topic, messages[:n]); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// deliver sends a batch, and the halves of one that is too large for the topic.
func (a *answerer) deliver(ctx context.Context, topic string, batch []kafka.Message) error {
	outage := retry.Outage{
		Passes: func(err error) bool {
			return missing(err) || errors.Is(mayPass(err), ErrUnavailable) && !isTooLarge(err)
		},
		Began: func(err error) { slog.Warn("answering is interrupted", "topic", topic, "error", err) },
		Ended: func(after time.Duration) { slog.Info("answering continues", "topic", topic, "after", after) },
	}
	err := retry.Do(ctx, outage, func() error { return a.try(ctx, topic, batch) })
	if !isTooLarge(err) || len(batch) == 1 {
		return err
	}
	half := len(batch) / 2
	if err := a.deliver(ctx, topic, batch[:half]); err != nil {
		return err
	}
	return a.deliver(ctx, topic, batch[half:])
}

// try makes one request, and creates the topic first if it is missing. A topic that was deleted is created again by the next
// try; the device detects that and sends the lost frames again.
func (a *answerer) try(ctx context.Context, topic string, batch []kafka.Message) error {
	if err := a.ensure(ctx, topic); err != nil {
		return err
	}
	_, err := a.client.produce(ctx, topic, 0, recordsOf(batch))
	if err == nil {
		return nil
	}
	if missing(err) {
		a.mu.Lock()
		delete(a.known, topic)
		a.mu.Unlock()
	}
	if !isTooLarge(err) {
		a.client.close() // as in fetcher.try
	}
	return fmt.Errorf("kafka: write %d answers to %s: %w", len(batch), topic, err)
}

// ensure creates a topic unless it exists.
func (a *answerer) ensure(ctx context.Context, topic string) error {
	a.mu.Lock()
	known := a.known[topic]
	a.mu.Unlock()
	if known {
		return nil
	}
	if _, err := EnsureTopic(ctx, a.cluster, topic, 1); err != nil {
		return err
	}
	a.client.close() // the next connection has metadata of the new topic
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[topic] = true
	return nil
}
