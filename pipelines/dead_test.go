package pipelines

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/schemas"
)

// A frame that fails is kept as produced, and gets its answer once the cause is fixed: here a
// content type that the producer declared wrongly.
func TestDeadLettersKeepFramesAndRedeliverThem(t *testing.T) {
	s := newSite(t, 2)
	s.send(t, "cam", "red", "red")
	s.raw(t, kafka.Message{Key: []byte("cam"), Value: []byte("no image"), Headers: []kafka.Header{
		{Key: "content-type", Value: []byte("image/jpeg")}, {Key: "own", Value: []byte{0, 255}}}})
	s.raw(t, kafka.Message{Value: []byte{1, 2, 3}})
	s.raw(t, kafka.Message{Key: []byte{255, 254}, Value: make([]byte, 200_000), Headers: []kafka.Header{{Key: "x"}, {Key: "x", Value: []byte("2")}}})
	s.raw(t, kafka.Message{Key: []byte("cam")})
	o := s.options(t)
	o.DeadLetterTopic = s.topic + "-dead"
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	letters := s.records(t, o.DeadLetterTopic)
	failed := 0
	for _, r := range s.rows(t, o.Out) {
		if r.Outcome != schemas.Error {
			continue
		}
		failed++
		l := byOffset(t, letters, r.Partition, r.Offset)
		original := s.record(t, r.Partition, r.Offset)
		added := map[string]string{}
		for _, h := range l.Headers[len(original.Headers):] {
			added[h.Key] = string(h.Value)
		}
		if added["cachenet-stage"] != r.Stage || r.Stage == "" || added["cachenet-reason"] != r.Error || added["cachenet-topic"] != s.topic {
			t.Errorf("headers %v of the row %+v", added, r)
		}
		if diff := cmp.Diff(content(original), content(kafka.Message{Key: l.Key, Value: l.Value, Headers: l.Headers[:len(original.Headers)], Time: l.Time})); diff != "" {
			t.Errorf("offset %d: %s", r.Offset, diff)
		}
	}
	if failed != 4 || len(letters) != 4 {
		t.Fatalf("%d rows with an error, %d dead letters, want 4", failed, len(letters))
	}
	n, err := kafkaio.Redeliver(t.Context(), s.cluster, o.DeadLetterTopic, "replay")
	if err != nil || n != 4 {
		t.Fatalf("redelivered %d, error %v", n, err)
	}
	s.sent += n
	if n, err := kafkaio.Redeliver(t.Context(), s.cluster, o.DeadLetterTopic, "replay"); err != nil || n != 0 {
		t.Fatalf("redelivered %d again, error %v", n, err)
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	rows := s.rows(t, o.Out)
	if letters := s.records(t, o.DeadLetterTopic); len(rows) != 10 || len(letters) != 8 {
		t.Errorf("%d rows, %d letters after a redelivery that changed nothing", len(rows), len(letters))
	}
	if n, err := kafkaio.Redeliver(t.Context(), s.cluster, s.topic, "replay"); err == nil {
		t.Errorf("redelivered %d from a topic without dead letters", n)
	}
}

// content is what must not change.
func content(m kafka.Message) kafka.Message {
	if len(m.Headers) == 0 {
		m.Headers = nil
	}
	return kafka.Message{Key: m.Key, Value: m.Value, Headers: m.Headers, Time: m.Time.UTC()}
}
