package kafkaio

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// readAll returns a topic's records by partition.
func readAll(t *testing.T, c Cluster, topic string) map[int32][]kafka.Message {
	t.Helper()
	partitions, err := Describe(t.Context(), c, topic)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int32][]kafka.Message{}
	for _, p := range partitions {
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: c.Brokers, Topic: topic, Partition: int(p.ID), MaxWait: 50 * time.Millisecond})
		for o := p.First; o < p.End; o++ {
			m, err := r.ReadMessage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all[p.ID] = append(all[p.ID], m)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func headerMap(m kafka.Message) map[string]string {
	h := map[string]string{}
	for _, x := range m.Headers {
		h[x.Key] = string(x.Value)
	}
	return h
}

func TestWriteOutcomes(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 2)
	var batches []schemas.Outcomes
	for i := range 3 {
		var rows []schemas.Outcome
		for n := range 400 {
			rows = append(rows, schemas.Outcome{Stream: fmt.Sprintf("cam-%d", n%5), Topic: "in", Partition: int32(i), Offset: int64(n),
				EventTime: recorded, Outcome: schemas.Hit, Label: "cat", Confidence: 0.5, Pack: "p@1"})
		}
		batches = append(batches, schemas.Outcomes{Rows: rows})
	}
	p, s := beam.NewPipelineWithRoot()
	job := session.Open("job", 0)
	Write(s, WriteConfig{Job: job.ID(), Cluster: c, Topic: "frames"}, beam.CreateList(s, batches))
	if _, err := prism.Execute(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	home := map[string]int32{}
	for partition, messages := range readAll(t, c, "frames") {
		for _, m := range messages {
			var o schemas.Outcome
			if err := json.Unmarshal(m.Value, &o); err != nil {
				t.Fatal(err)
			}
			h := headerMap(m)
			id := fmt.Sprintf("%s/%d/%d", o.Topic, o.Partition, o.Offset)
			want := map[string]string{"ce_id": id, "ce_source": "/cachenet/run", "ce_specversion": "1.0",
				"ce_type": "cachenet.outcome.v1", "ce_time": "2026-03-04T05:06:07.008Z", "content-type": "application/json"}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Fatal(diff)
			}
			if at, ok := home[o.Stream]; ok && at != partition || string(m.Key) != o.Stream {
				t.Fatalf("stream %s has key %q and partitions %d and %d", o.Stream, m.Key, at, partition)
			}
			home[o.Stream] = partition
			ids[id] = true
		}
	}
	if len(ids) != 1200 {
		t.Errorf("%d outcomes, want 1200", len(ids))
	}
}

func TestProducerHeaders(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	publish(t, c, []schemas.Frame{{Stream: "cam", Sequence: 3, EventTime: recorded, ContentType: schemas.RGB8, Width: 2, Height: 1,
		Truth: "dog", Image: []byte("rgbrgb")}})
	m := readAll(t, c, "frames")[0][0]
	want := map[string]string{"ce_id": "cam/3", "ce_source": "/test", "ce_specversion": "1.0", "ce_type": "cachenet.frame.v1",
		"ce_time": "2026-03-04T05:06:07.008Z", "content-type": "application/x-rgb8",
		"sequence": "3", "width": "2", "height": "1", "label": "dog"}
	if diff := cmp.Diff(want, headerMap(m)); diff != "" {
		t.Error(diff)
	}
	if string(m.Key) != "cam" || string(m.Value) != "rgbrgb" || !m.Time.Equal(recorded) {
		t.Errorf("key %q, value %q, time %v", m.Key, m.Value, m.Time)
	}
}

// leaderless refuses the first produce requests, as while no partition has a leader.
type leaderless struct {
	kafka.RoundTripper
	times atomic.Int64
}

func (l *leaderless) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	if _, produces := req.(*produce.Request); produces && l.times.Add(-1) >= 0 {
		return nil, produce.NewError(protocol.NewErrNoLeader("frames", 0))
	}
	return l.RoundTripper.RoundTrip(ctx, addr, req)
}

// Just after Kafka starts, partitions have no leader for a moment. Writing waits, and keeps the order.
func TestWritingWaitsForALeader(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	w, err := c.newWriter("frames")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cluster := &leaderless{RoundTripper: w.client.transport}
	cluster.times.Store(3)
	w.batches.Transport = &patient{RoundTripper: cluster, topic: "frames"}
	var messages []kafka.Message
	for i := range 2*batchRecords + 10 { // three batches, of which the first finds no leader
		messages = append(messages, kafka.Message{Value: fmt.Append(nil, i)})
	}
	if err := w.write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for i, m := range readAll(t, c, "frames")[0] {
		got, want = append(got, string(m.Value)), append(want, fmt.Sprint(i))
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != len(messages) {
		t.Errorf("%d of %d records: %s", len(got), len(messages), diff)
	}
}

func TestEnsureTopic(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	for range 2 { // the second time it exists
		n, err := EnsureTopic(t.Context(), c, "other", 7)
		if err != nil || n != 7 {
			t.Errorf("got %d partitions, error %v", n, err)
		}
	}
	if n, err := EnsureTopic(t.Context(), c, "frames", 7); err != nil || n != 1 {
		t.Errorf("got %d partitions, error %v", n, err)
	}
}
