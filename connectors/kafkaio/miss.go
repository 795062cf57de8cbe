package kafkaio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/schemas"
)

// missMessage is the record with which a device asks a server about a frame: key and value as they were, and only the headers
// that the server needs, since each byte passes the device's link.
func missMessage(origin string, f *schemas.Frame) kafka.Message {
	headers := []kafka.Header{header(schemas.HeaderOrigin, origin)}
	if f.ContentType == schemas.RGB8 {
		headers = append(headers, header(schemas.HeaderContentType, f.ContentType),
			header(schemas.HeaderWidth, strconv.Itoa(int(f.Width))), header(schemas.HeaderHeight, strconv.Itoa(int(f.Height))))
	}
	if f.Form != "" {
		headers = append(headers, header(schemas.HeaderForm, f.Form))
	}
	if f.Truth != "" {
		headers = append(headers, header(schemas.HeaderLabel, f.Truth))
	}
	return kafka.Message{Key: schemas.KeyOf(f.Stream), Value: f.Image, Time: f.EventTime, Headers: headers}
}

// answerMessage is the record with which a server answers: key = stream, value = the server's outcome as JSON.
func answerMessage(o *schemas.Outcome) (kafka.Message, error) {
	value, err := json.Marshal(o)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("kafka: answer %s: %w", o.Origin, err)
	}
	return kafka.Message{Key: schemas.KeyOf(o.Stream), Value: value}, nil
}

// readAnswer reads what answerMessage writes.
func readAnswer(r record) (o schemas.Outcome, err error) {
	if r.value == nil {
		return o, errors.New("it has no value, or too large a one")
	}
	if err := json.Unmarshal(r.value, &o); err != nil {
		return o, fmt.Errorf("it is not the JSON of an outcome: %w", err)
	}
	if o.Origin == "" || o.Outcome == schemas.Miss && o.Label == "" {
		return o, errors.New("it lacks its origin or its label")
	}
	return o, nil
}

// missPartitions is what a misses topic gets when it has to be created.
const missPartitions = 6

// EnsureMissesTopic creates a server's topic for misses unless it exists: the server and its devices may start in any order.
func EnsureMissesTopic(ctx context.Context, cluster Cluster, topic string) error {
	_, err := EnsureTopic(ctx, cluster, topic, missPartitions)
	return err
}
