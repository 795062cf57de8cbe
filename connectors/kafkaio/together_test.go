package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// counted counts produce requests, and holds them back while it is locked.
type counted struct {
	kafka.RoundTripper
	produced atomic.Int64
	gate     sync.RWMutex
}

func (c *counted) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	if _, ok := req.(*produce.Request); ok {
		c.produced.Add(1)
		c.gate.RLock()
		defer c.gate.RUnlock()
	}
	return c.RoundTripper.RoundTrip(ctx, addr, req)
}

// messagesOf returns messages of 20 streams in turn, so of all partitions.
func messagesOf(from, n int) (messages []kafka.Message) {
	for i := from; i < from+n; i++ {
		messages = append(messages, kafka.Message{Key: fmt.Append(nil, "cam-", i%20), Value: fmt.Append(nil, i)})
	}
	return messages
}

// inOrder checks that a topic holds messages once each, those of a key in order.
func inOrder(t *testing.T, c Cluster, topic string, sent []kafka.Message) {
	t.Helper()
	want, got := map[string][]string{}, map[string][]string{}
	for _, m := range sent {
		want[string(m.Key)] = append(want[string(m.Key)], string(m.Value))
	}
	for _, messages := range readAll(t, c, topic) {
		for _, m := range messages {
			got[string(m.Key)] = append(got[string(m.Key)], string(m.Value))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What goes to several partitions takes one request to each broker that leads some of them.
func TestPartitionsShareARequest(t *testing.T) {
	leakCheck(t)
	for _, brokers := range []int{1, 3} {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.SeedTopics(6, "frames"))
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		for p := range int32(6) {
			if err := cluster.MoveTopicPartition("frames", p, p%int32(brokers)); err != nil {
				t.Fatal(err)
			}
		}
		c := Cluster{Brokers: cluster.ListenAddrs()}
		w := open(t, c, "frames")
		requests := &counted{RoundTripper: w.client.transport}
		w.batches.Transport = requests
		messages := messagesOf(0, 200)
		if err := w.write(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
		if n := requests.produced.Load(); n != int64(brokers) {
			t.Errorf("%d requests to %d brokers", n, brokers)
		}
		inOrder(t, c, "frames", messages)
	}
}

// What one partition refuses is sent to it again; the others have their records.
func TestARefusedPartitionIsSentAgain(t *testing.T) {
	leakCheck(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "frames"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	c := Cluster{Brokers: cluster.ListenAddrs()}
	w := open(t, c, "frames")
	requests := &counted{RoundTripper: w.client.transport}
	w.batches.Transport = requests
	var refused atomic.Int64
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		r := req.(*kmsg.ProduceRequest)
		if len(r.Topics[0].Partitions) > 1 || refused.Load() > 2 {
			return nil, nil, false
		}
		refused.Add(1)
		res := r.ResponseKind().(*kmsg.ProduceResponse)
		topic, partition := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
		topic.Topic, partition.Partition, partition.ErrorCode = "frames", r.Topics[0].Partitions[0].Partition, kerr.NotLeaderForPartition.Code
		topic.Partitions = append(topic.Partitions, partition)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	messages := messagesOf(0, 1) // of one partition: refused at first
	if err := w.write(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	rest := messagesOf(1, 99)
	if err := w.write(t.Context(), rest); err != nil {
		t.Fatal(err)
	}
	if refused.Load() == 0 || requests.produced.Load() < 3 {
		t.Errorf("%d refused of %d requests", refused.Load(), requests.produced.Load())
	}
	inOrder(t, c, "frames", append(messages, rest...))
}

func TestAClosedWriterSendsNothing(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 2)
	w, err := c.newWriter("frames")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.write(t.Context(), messagesOf(0, 3)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.write(t.Context(), messagesOf(3, 3)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got error %v", err)
	}
	inOrder(t, c, "frames", messagesOf(0, 3))
}

// early is a writer of outcomes that sends early, and its requests.
func early(t *testing.T, c Cluster) (fn *writeFn, requests *counted) {
	t.Helper()
	job := session.Open("early", 0)
	t.Cleanup(func() { _ = job.Close() })
	fn = &writeFn{Config: WriteConfig{Job: job.ID(), Cluster: c, Topic: "frames", Early: true}}
	if err := fn.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	requests = &counted{RoundTripper: fn.writer.client.transport}
	fn.writer.batches.Transport = requests
	return fn, requests
}

// Outcomes are sent while their bundle goes on. What comes while some are sent waits for them, and no outcome is passed on
// before it is acknowledged.
func TestOutcomesAreSentEarly(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	fn, requests := early(t, c)
	emitted := 0
	emit := func(_ beam.EventTime, o schemas.Outcomes) { emitted += len(o.Rows) }
	fn.StartBundle(t.Context(), emit)
	requests.gate.Lock()
	for i := range 3 {
		o := schemas.Outcomes{Rows: []schemas.Outcome{{Stream: "cam", Topic: "in", Offset: int64(2 * i), EventTime: recorded}, {Stream: "cam", Topic: "in", Offset: int64(2*i + 1), EventTime: recorded}}}
		if err := fn.ProcessElement(t.Context(), 0, o, emit); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a request while the bundle goes on", func() bool { return requests.produced.Load() == 1 })
	if emitted != 0 {
		t.Errorf("%d outcomes passed on before their acknowledgement", emitted)
	}
	requests.gate.Unlock()
	if err := fn.FinishBundle(t.Context(), emit); err != nil {
		t.Fatal(err)
	}
	if n := requests.produced.Load(); n != 2 || emitted != 6 {
		t.Errorf("%d requests, %d outcomes passed on; want 2 and 6", n, emitted)
	}
	var ids []string
	for _, m := range readAll(t, c, "frames")[0] {
		ids = append(ids, headerMap(m)["ce_id"])
	}
	if diff := cmp.Diff([]string{"in/0/0", "in/0/1", "in/0/2", "in/0/3", "in/0/4", "in/0/5"}, ids); diff != "" {
		t.Error(diff)
	}
}

// What goes wrong in the background fails the bundle, and is forgotten with it.
func TestAnEarlyFailureFailsTheBundle(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	fn, _ := early(t, c)
	emit := func(beam.EventTime, schemas.Outcomes) { t.Error("passed on") }
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	fn.StartBundle(t.Context(), emit)
	o := schemas.Outcomes{Rows: []schemas.Outcome{{Stream: "cam", Topic: "in", EventTime: recorded}}}
	if err := fn.ProcessElement(gone, 0, o, emit); err != nil {
		t.Fatal(err)
	}
	if err := fn.FinishBundle(t.Context(), emit); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	if err := fn.ProcessElement(gone, 0, o, emit); err != nil {
		t.Fatal(err)
	}
	fn.StartBundle(t.Context(), emit)
	if err := fn.FinishBundle(t.Context(), emit); err != nil {
		t.Errorf("the next bundle: %v", err)
	}
}
