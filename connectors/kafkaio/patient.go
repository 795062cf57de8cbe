package kafkaio

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// patient marks what may pass by itself among the reasons why a request was not sent, for kafka-go to try it again in
// its place: while brokers start, their metadata lists partitions without a leader, or lacks the topic.
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

// Temporary makes kafka-go retry.
func (passing) Temporary() bool { return true }

// unsent reports whether err means that the leader of a partition could not be found.
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
