package pipelines

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// transaction is one transaction of a producer.
type transaction struct{ client *kgo.Client }

func (s *site) begin(t *testing.T, id string) transaction {
	t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(s.cluster.Brokers...), kgo.TransactionalID(s.topic+id), kgo.DefaultProduceTopic(s.topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	if err := k.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	return transaction{k}
}

// send publishes red frames of a stream; each is on the broker before the next.
func (x transaction) send(t *testing.T, stream string, frames int) {
	t.Helper()
	rgb := paint["red"]
	for range frames {
		r := &kgo.Record{Key: []byte(stream), Value: rgb[:], Headers: []kgo.RecordHeader{{Key: schemas.HeaderContentType, Value: []byte(schemas.RGB8)},
			{Key: schemas.HeaderWidth, Value: []byte("1")}, {Key: schemas.HeaderHeight, Value: []byte("1")}}}
		if err := x.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// endTransaction ends x and waits until the topic's last stable offset reflects it: brokers write markers later.
func (s *site) endTransaction(t *testing.T, x transaction, how kgo.TransactionEndTry, stable int64) {
	t.Helper()
	if err := x.client.EndTransaction(t.Context(), how); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool {
		ends, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
		if err != nil {
			t.Fatal(err)
		}
		return ends[0] == stable
	})
}

// A frame has a row once its transaction is committed, and none when it is aborted; aborted offsets
// count as empty, so that nothing waits for them.
func TestTransactions(t *testing.T) {
	s := newSite(t, 1)
	kept, gone, open := s.begin(t, "-kept"), s.begin(t, "-gone"), s.begin(t, "-open")
	kept.send(t, "kept", 3) // 0 to 2
	gone.send(t, "gone", 2) // 3 and 4
	kept.send(t, "kept", 2) // 5 and 6
	s.endTransaction(t, kept, kgo.TryCommit, 3)
	s.endTransaction(t, gone, kgo.TryAbort, 9)
	open.send(t, "open", 2)    // 9 and 10
	s.send(t, "behind", "red") // 11
	o := s.options(t)
	run := func() map[string]int {
		t.Helper()
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for r, err := range parquetio.Rows(t.Context(), o.Out) {
			if err != nil || r.Outcome == schemas.Error {
				t.Errorf("%+v, error %v", r, err)
			}
			n[r.Stream]++
		}
		return n
	}
	if diff := cmp.Diff(map[string]int{"kept": 5}, run()); diff != "" {
		t.Error("a transaction is open", diff)
	}
	s.endTransaction(t, open, kgo.TryCommit, 13)
	if diff := cmp.Diff(map[string]int{"kept": 5, "open": 2, "behind": 1}, run()); diff != "" {
		t.Error("it is committed", diff)
	}
	gaps, err := parquetio.ReadGaps(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	var empty []int64
	for from, to := range gaps.Empty[s.topic][0].All() {
		for ; from < to; from++ {
			empty = append(empty, from)
		}
	}
	ends, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{3, 4, 7, 8, 12}; !slices.Equal(empty, want) || ends[0] != 13 {
		t.Errorf("empty offsets %v of %d, want %v of 13", empty, ends[0], want)
	}
	committed, err := kafkaio.CommittedOffsets(t.Context(), s.cluster, o.Group, s.topic)
	if err != nil || committed[0] != 13 {
		t.Errorf("committed %v, error %v", committed, err)
	}
}

// A dead-letter topic created by hand has Kafka's default limit, which applies to a batch: letters that fit one by one
// do not fit together. The same holds for the topic that they are redelivered to.
func TestLettersMayBeMoreThanABatch(t *testing.T) {
	s := newSite(t, 1)
	o := s.options(t)
	o.DeadLetterTopic = s.topic + "-dead"
	if _, err := kafkaio.EnsureTopic(t.Context(), s.cluster, o.DeadLetterTopic, 1); err != nil {
		t.Fatal(err)
	}
	const frames = 8
	for range frames {
		s.raw(t, kafka.Message{Key: []byte("cam"), Value: make([]byte, 300_000)})
	}
	limit := kafka.Message{Key: []byte("cam"), Value: make([]byte, 1048588-100)} // there is no room for a letter's headers
	w := &kafka.Writer{Addr: kafka.TCP(s.cluster.Brokers...), Topic: s.topic, RequiredAcks: kafka.RequireAll, BatchSize: 1, BatchBytes: 2 << 20}
	if err := w.WriteMessages(t.Context(), limit); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.sent++
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	letters := s.records(t, o.DeadLetterTopic)
	last := letters[len(letters)-1]
	if len(letters) != frames+1 || len(last.Value) != 0 || len(s.rows(t, o.Out)) != frames+1 {
		t.Errorf("%d letters, the last of %d bytes, %d rows", len(letters), len(last.Value), len(s.rows(t, o.Out)))
	}
	sent, err := kafkaio.Redeliver(t.Context(), s.cluster, o.DeadLetterTopic, "replay-"+s.topic)
	if err != nil || sent != frames+1 {
		t.Errorf("redelivered %d, error %v", sent, err)
	}
	for i, m := range s.records(t, s.topic)[frames+1:] {
		if want := 300_000; len(m.Value) != want && len(m.Value) != len(limit.Value) {
			t.Errorf("frame %d came back with %d bytes", i, len(m.Value))
		}
	}
}
