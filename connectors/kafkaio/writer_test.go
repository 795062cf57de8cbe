package kafkaio

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/schemas"
	"pgregory.net/rapid"
)

// limited creates a topic of one partition that accepts batches of at most the given bytes.
func limited(t testing.TB, c Cluster, topic string, bytes int) {
	t.Helper()
	settings(t, c, topic, maxMessageBytes, strconv.Itoa(bytes))
}

// settings creates a topic of one partition with one topic setting.
func settings(t testing.TB, c Cluster, topic, name, value string) {
	t.Helper()
	_, err := ensureTopic(t.Context(), c, kafka.TopicConfig{Topic: topic, NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: name, ConfigValue: value}}})
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, c Cluster, topic string) *writer {
	t.Helper()
	w, err := c.newWriter(topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func values(messages []kafka.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, string(m.Value))
	}
	return all
}

// Whatever the sizes of records and the topic's limit, what fits arrives, in order.
func TestBatchesFitTheTopic(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		topic, limit := fmt.Sprint("topic-", n), rapid.IntRange(2000, 200_000).Draw(r, "limit")
		limited(t, c, topic, limit)
		w := open(t, c, topic)
		var messages []kafka.Message
		for i := range rapid.IntRange(1, 700).Draw(r, "records") {
			size := rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(0, limit-300)).Draw(r, "bytes")
			m := kafka.Message{Value: fmt.Append(bytes.Repeat([]byte("x"), size), i)}
			if size < limit/2 {
				m.Key, m.Headers = []byte("cam"), headers("content-type", "image/jpeg", "", "")
			}
			messages = append(messages, m)
		}
		if err := w.write(t.Context(), messages); err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(values(messages), values(readAll(t, c, topic)[0])); diff != "" {
			r.Error(diff)
		}
	})
}

func TestARejectedBatchIsSplit(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	limited(t, c, "small", 3000)
	w := open(t, c, "small")
	w.ask.Do(func() {}) // as where the cluster does not disclose settings
	var messages []kafka.Message
	for i := range 20 {
		messages = append(messages, kafka.Message{Value: fmt.Append(make([]byte, 1000), i)})
	}
	if err := w.write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(messages), values(readAll(t, c, "small")[0])); diff != "" {
		t.Error(diff)
	}
}

func TestARecordOverTheTopicsLimitIsNamed(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	limited(t, c, "small", 3000)
	for _, told := range []bool{true, false} {
		w := open(t, c, "small")
		if !told {
			w.ask.Do(func() {})
		}
		err := w.write(t.Context(), []kafka.Message{{Value: []byte("fits")}, {Key: []byte("cam-7"), Value: make([]byte, 4000)}, {Value: []byte("fits too")}})
		if !errors.Is(err, errTooLarge) {
			t.Fatalf("got error %v", err)
		}
		for _, want := range []string{"1 of 3 records to small", `"cam-7"`, "4000 bytes", "--entity-name small --add-config max.message.bytes=1048576"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
		if told != strings.Contains(err.Error(), "max.message.bytes of 3000 is lower") {
			t.Errorf("limit named: %v: %q", told, err)
		}
	}
	if got := values(readAll(t, c, "small")[0]); len(got) != 4 {
		t.Errorf("what fits was not sent: %q", got)
	}
}

// An image of the largest size that the producer states is accepted, with the largest key and label.
func TestMaxImageBytes(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	limited(t, c, "small", 20_000)
	p, err := NewProducer(c, "small", "/test")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	limit, err := p.MaxImageBytes(t.Context())
	if err != nil || limit < 10_000 || limit > 20_000 {
		t.Fatalf("%d bytes, error %v", limit, err)
	}
	f := schemas.Frame{Stream: strings.Repeat("é", maxKeyBytes/2), Truth: strings.Repeat("x", maxLabelBytes), ContentType: schemas.JPEG, Image: make([]byte, limit)}
	if err := p.Publish(t.Context(), []schemas.Frame{f}); err != nil {
		t.Error(err)
	}
	f.Image = make([]byte, 20_000)
	if err := p.Publish(t.Context(), []schemas.Frame{f}); !errors.Is(err, errTooLarge) {
		t.Errorf("a larger one: %v", err)
	}
}
