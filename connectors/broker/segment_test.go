package broker

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// In memory a segment is one slice that is copied when it grows, so segments are small; a file is not, so it is as large as usual.
func TestSegmentsInMemoryAreSmall(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     Options
		small bool
	}{
		{"in memory", Options{}, true},
		{"data folder", Options{DataDir: t.TempDir()}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c.o)
			client := kafka.Client{Addr: kafka.TCP(b.Addr())}
			r, err := client.DescribeConfigs(t.Context(), &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
				{ResourceType: kafka.ResourceTypeBroker, ResourceName: "0", ConfigNames: []string{"log.segment.bytes"}}}})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Resources) != 1 || len(r.Resources[0].ConfigEntries) != 1 {
				t.Fatalf("resources %+v, want one with log.segment.bytes", r.Resources)
			}
			size, err := strconv.Atoi(r.Resources[0].ConfigEntries[0].ConfigValue)
			if err != nil {
				t.Fatal(err)
			}
			if small := size <= 1<<20; small != c.small {
				t.Errorf("segments of %d bytes", size)
			}
		})
	}
}

// A partition of many segments is read from its first record to its last, and from the middle.
func TestManySegmentsAreOnePartition(t *testing.T) {
	const count, size = 50, 100_000
	b := start(t, Options{Topics: map[string]int32{"frames": 1}})
	w := &kafka.Writer{Addr: kafka.TCP(b.Addr()), Topic: "frames", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	var messages []kafka.Message
	for i := range count {
		messages = append(messages, kafka.Message{Value: bytes.Repeat([]byte{byte(i)}, size)})
	}
	if err := w.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, from := range []int{0, count / 2} {
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.Addr()}, Topic: "frames", MaxBytes: 10 << 20, MaxWait: 50 * time.Millisecond})
		if err := r.SetOffset(int64(from)); err != nil {
			t.Fatal(err)
		}
		for i := from; i < count; i++ {
			m, err := r.ReadMessage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if m.Offset != int64(i) || !bytes.Equal(m.Value, messages[i].Value) {
				t.Fatalf("offset %d with %d bytes of %d, want offset %d", m.Offset, len(m.Value), m.Value[0], i)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
