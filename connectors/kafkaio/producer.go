package kafkaio

import (
	"context"
	"strconv"
	"time"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

const (
	frameType       = "cachenet.frame.v1"
	outcomeType     = "cachenet.outcome.v1"
	provisionalType = "cachenet.outcome.provisional.v1"
	specVersion     = "1.0"
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
// their order. Many frames in a call are far faster than many calls. A frame that is larger than the topic takes is an
// error that says so. After an error some frames may have been sent, and an interrupted send may repeat some.
func (p *Producer) Publish(ctx context.Context, frames []schemas.Frame) error {
	messages := make([]kafka.Message, len(frames))
	for i := range frames {
		messages[i] = p.message(&frames[i])
	}
	return p.writer.write(ctx, messages)
}

// MaxImageBytes returns how large a frame's image may be for the topic to take it, with the largest key and label.
func (p *Producer) MaxImageBytes(ctx context.Context) (int, error) {
	limit, err := p.writer.client.maxMessageBytes(ctx, p.writer.topic)
	return int(max(1, limit-recordOverhead)), err
}

// recordOverhead is what a frame's record takes in addition to its image, at most: key, label, and the other headers.
const recordOverhead = batchOverhead + 3*maxKeyBytes + maxLabelBytes + 1024

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
	return kafka.Message{Key: schemas.KeyOf(f.Stream), Value: f.Image, Time: t, Headers: headers}
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
