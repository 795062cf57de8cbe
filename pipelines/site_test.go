package pipelines

import (
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// raw publishes a record unchanged.
func (s *site) raw(t *testing.T, messages ...kafka.Message) {
	t.Helper()
	transport := &kafka.Transport{} // the default one may not have the topic's metadata yet
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Transport: transport, Addr: kafka.TCP(s.cluster.Brokers...), Topic: s.topic, RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond, Balancer: &kafka.RoundRobin{}}
	if err := w.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.sent += len(messages)
}

// records reads all records of a topic.
func (s *site) records(t *testing.T, topic string) []kafka.Message {
	t.Helper()
	partitions, err := kafkaio.Describe(t.Context(), s.cluster, topic)
	if err != nil {
		t.Fatal(err)
	}
	var all []kafka.Message
	for _, p := range partitions {
		all = append(all, s.recordsAt(t, topic, p.ID, p.First, p.End)...)
	}
	return all
}

// record reads one record of the frames topic.
func (s *site) record(t *testing.T, partition int32, offset int64) kafka.Message {
	t.Helper()
	return s.recordsAt(t, s.topic, partition, offset, offset+1)[0]
}

func (s *site) recordsAt(t *testing.T, topic string, partition int32, from, to int64) (all []kafka.Message) {
	t.Helper()
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: s.cluster.Brokers, Topic: topic, Partition: int(partition), MaxWait: 50 * time.Millisecond})
	defer r.Close()
	if err := r.SetOffset(from); err != nil {
		t.Fatal(err)
	}
	for ; from < to; from++ {
		m, err := r.ReadMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// byOffset finds the dead letter of a frame.
func byOffset(t *testing.T, letters []kafka.Message, partition int32, offset int64) kafka.Message {
	t.Helper()
	for _, l := range letters {
		h := map[string]string{}
		for _, x := range l.Headers {
			h[x.Key] = string(x.Value)
		}
		if h["cachenet-partition"] == strconv.Itoa(int(partition)) && h["cachenet-offset"] == strconv.FormatInt(offset, 10) {
			return l
		}
	}
	t.Fatalf("no dead letter of %d/%d", partition, offset)
	return kafka.Message{}
}
