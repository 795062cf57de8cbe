package kafkaio

import (
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	fetchapi "github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

// entry is one batch of a test's log: records of a producer, or the marker that ends its transaction.
type entry struct {
	producer int64 // 0: outside of transactions
	offsets  []int64
	marker   bool
	commits  bool
}

func (e entry) reader() protocol.RecordReader {
	attributes := protocol.Attributes(0)
	if e.producer != 0 {
		attributes = protocol.Transactional
	}
	if !e.marker {
		b := logBatch(e.offsets...).(*protocol.RecordBatch)
		b.ProducerID, b.Attributes, b.BaseOffset = e.producer, attributes, e.offsets[0]
		return b
	}
	key := []byte{0, 0, 0, 0}
	if e.commits {
		key[3] = 1
	}
	return &protocol.ControlBatch{ProducerID: e.producer, BaseOffset: e.offsets[0], Attributes: attributes | protocol.Control,
		Records: kafka.NewRecordReader(kafka.Record{Offset: e.offsets[0], Key: kafka.NewBytes(key)})}
}

// transactionLog is a log written by several producers whose transactions have all ended.
type transactionLog struct {
	entries        []entry
	end            int64
	open           map[int64][]int64 // producer → offsets of its transaction
	visible, empty schemas.Offsets
	aborted        map[fetchapi.ResponseTransaction]int64 // → its last offset
}

func (l *transactionLog) write(producer int64, records int) {
	e := entry{producer: producer}
	for range records {
		e.offsets = append(e.offsets, l.end)
		l.end++
	}
	l.entries = append(l.entries, e)
	if producer == 0 {
		l.visible.Add(e.offsets[0], l.end)
		return
	}
	l.open[producer] = append(l.open[producer], e.offsets...)
}

func (l *transactionLog) finish(producer int64, commits bool) {
	into := &l.empty
	if commits {
		into = &l.visible
	} else {
		l.aborted[fetchapi.ResponseTransaction{ProducerID: producer, FirstOffset: l.open[producer][0]}] = l.end
	}
	for _, o := range l.open[producer] {
		into.Add(o, o+1)
	}
	delete(l.open, producer)
	l.entries = append(l.entries, entry{producer, []int64{l.end}, true, commits})
	l.empty.Add(l.end, l.end+1)
	l.end++
}

func drawLog(t *rapid.T) *transactionLog {
	l := &transactionLog{open: map[int64][]int64{}, aborted: map[fetchapi.ResponseTransaction]int64{}}
	for range rapid.IntRange(1, 30).Draw(t, "steps") {
		producer := rapid.Int64Range(0, 3).Draw(t, "producer")
		if len(l.open[producer]) > 0 && rapid.Bool().Draw(t, "ends") {
			l.finish(producer, rapid.Bool().Draw(t, "commits"))
			continue
		}
		l.write(producer, rapid.IntRange(1, 3).Draw(t, "records"))
	}
	for producer := range int64(4) {
		if len(l.open[producer]) > 0 {
			l.finish(producer, rapid.Bool().Draw(t, "commits at last"))
		}
	}
	return l
}

// fetch returns a broker's response to a fetch from an offset on.
func (l *transactionLog) fetch(from int64) fetched {
	var parts []protocol.RecordReader
	for _, e := range l.entries {
		if e.offsets[len(e.offsets)-1] >= from {
			parts = append(parts, e.reader())
		}
	}
	f := fetched{records: &protocol.RecordStream{Records: parts}}
	for tx, last := range l.aborted {
		if last >= from {
			f.aborted = append(f.aborted, tx)
		}
	}
	return f
}

// Whatever offset a fetch starts at, it returns exactly what was committed or sent outside transactions.
func TestAbortedRecordsAreNotRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLog(t)
		from := rapid.Int64Range(0, l.end-1).Draw(t, "from")
		b, err := readBatch(l.fetch(from), filter{from: from, to: math.MaxInt64, limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		var got schemas.Offsets
		for _, r := range b.records {
			got.Add(r.offset, r.offset+1)
		}
		for o := from; o < l.end; o++ {
			if got.Contains(o) != l.visible.Contains(o) || b.empty.Contains(o) != l.empty.Contains(o) {
				t.Errorf("offset %d: read %v, empty %v; want %v and %v", o, got.Contains(o), b.empty.Contains(o), l.visible.Contains(o), l.empty.Contains(o))
			}
		}
		if b.next != l.end || got.Missing(0, from).Count() != from {
			t.Errorf("reads %v before %d, and goes on at %d of %d", got, from, b.next, l.end)
		}
	})
}

// A read_committed consumer stops before an open transaction, and reads it once it is committed.
func TestTransactionsAreReadWhenTheyAreCommitted(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	begin := func(id string) *kgo.Client {
		k := admin(t, c, kgo.TransactionalID(id), kgo.DefaultProduceTopic("frames"))
		if err := k.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		return k
	}
	next := 0
	send := func(k *kgo.Client, stream string, n int) {
		for range n {
			r := &kgo.Record{Key: []byte(stream), Value: []byte(jpegHead), Headers: []kgo.RecordHeader{{Key: "sequence", Value: []byte(strconv.Itoa(next))}}}
			next++
			if err := k.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	end := func(k *kgo.Client, how kgo.TransactionEndTry) {
		if err := k.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
	one, two, open := begin("one"), begin("two"), begin("three")
	send(one, "kept", 3) // 0 to 2
	send(two, "gone", 2) // 3, 4
	send(one, "kept", 1) // 5
	end(two, kgo.TryAbort)
	end(one, kgo.TryCommit)
	send(open, "open", 2)                                                      // 8, 9
	publish(t, c, []schemas.Frame{{Stream: "plain", Image: []byte(jpegHead)}}) // 10: behind it
	streams := func() map[string]int {
		partitions, err := Describe(t.Context(), c, "frames")
		if err != nil {
			t.Fatal(err)
		}
		if ends, err := EndOffsets(t.Context(), c, "frames"); err != nil || ends[0] != partitions[0].End {
			t.Errorf("end offsets %v, error %v, want %d", ends, err, partitions[0].End)
		}
		t.Logf("%+v", partitions)
		n := map[string]int{}
		for _, f := range startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, false)}, 0, nil).mustEnd(t) {
			n[f.Stream]++
		}
		return n
	}
	if p, err := Describe(t.Context(), c, "frames"); err != nil || p[0] != (Partition{End: 8, Open: 3}) {
		t.Errorf("%+v, error %v", p, err)
	}
	if diff := cmp.Diff(map[string]int{"kept": 4}, streams()); diff != "" {
		t.Error(diff)
	}
	end(open, kgo.TryCommit)
	if diff := cmp.Diff(map[string]int{"kept": 4, "open": 2, "plain": 1}, streams()); diff != "" {
		t.Error(diff)
	}
}
