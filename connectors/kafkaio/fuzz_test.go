package kafkaio

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/cachenet/cachenet/schemas"
)

// A response may contain batches of any offsets: before or after the requested range, compacted, truncated, or markers.
// Each offset passed is a record, a marker, a gap or outside the range; reading always advances.
func FuzzBatch(f *testing.F) {
	f.Add([]byte{1, 1, 1, 0, 1, 255, 3}, int64(10), int64(20), int64(12), int64(14))
	f.Add([]byte{}, int64(0), Unbounded, int64(0), int64(0))
	f.Add([]byte{9, 9, 9}, int64(5), int64(6), int64(5), int64(6))
	f.Fuzz(func(t *testing.T, steps []byte, from, to, doneFrom, doneTo int64) {
		if from < 0 || to <= from || to > Unbounded || len(steps) > 1000 {
			return
		}
		var done schemas.Offsets
		if doneFrom >= 0 {
			done.Add(doneFrom, doneTo)
		}
		b, err := readBatch(fetched{records: &protocol.RecordStream{Records: partsOf(steps, from)}}, filter{from: from, to: to, done: done, limit: math.MaxInt})
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) > 0 && b.next <= from || b.next > to {
			t.Fatalf("from %d on to %d of %d", from, b.next, to)
		}
		var passed schemas.Offsets
		add := func(what string, from, to int64) {
			if missing := passed.Missing(from, to); missing.Count() != to-from {
				t.Errorf("%s [%d, %d) was passed before", what, from, to)
			}
			passed.Add(from, to)
		}
		for _, r := range b.records {
			add("record", r.offset, r.offset+1)
		}
		for from, to := range b.empty.All() {
			add("marker", from, to)
		}
		for from, to := range b.gaps.All() {
			add("gap", from, to)
		}
		passed.Union(done)
		if missing := passed.Missing(from, b.next); missing.Count() > 0 || b.gaps.End() > b.next || b.empty.End() > b.next {
			t.Errorf("[%d, %d): %v is neither record nor gap", from, b.next, missing)
		}
	})
}

// partsOf builds a response that begins near from: a step of 0 begins a new batch, 255 one of markers; others advance
// to the next record.
func partsOf(steps []byte, from int64) (parts []protocol.RecordReader) {
	at := max(0, from-3)
	marker := false
	var records []kafka.Record
	flush := func() {
		if reader := kafka.NewRecordReader(records...); marker {
			parts = append(parts, &protocol.ControlBatch{Records: reader})
		} else {
			parts = append(parts, &protocol.RecordBatch{Records: reader})
		}
		records, marker = nil, false
	}
	for _, s := range steps {
		if s == 0 || s == 255 {
			flush()
			marker = s == 255
			continue
		}
		at += int64(s)
		records = append(records, kafka.Record{Offset: at - 1, Value: kafka.NewBytes([]byte("v"))})
	}
	flush()
	return parts
}

// A dead letter of any record restores its frame unchanged; headers of the same names on the frame are removed, since
// an earlier letter added them.
func FuzzDeadLetter(f *testing.F) {
	f.Add([]byte("cam"), []byte("image"), "content-type", []byte("image/jpeg"), "x", []byte(nil))
	f.Add([]byte{}, []byte{}, "cachenet-offset", []byte("-1"), "cachenet-topic", []byte("elsewhere"))
	f.Fuzz(func(t *testing.T, key, value []byte, name1 string, content1 []byte, name2 string, content2 []byte) {
		r := record{offset: 3, time: time.UnixMilli(1e12), key: key, value: value,
			headers: []kafka.Header{{Key: name1, Value: content1}, {Key: name2, Value: content2}}}
		before, _ := frameOf(r)
		o := &schemas.Outcome{Topic: "frames", Partition: 2, Offset: 3, Stage: "decode", Error: "bad"}
		back := func(m kafka.Message) deadFrame {
			f, ok := frameOf(record{time: m.Time, key: m.Key, value: m.Value, headers: m.Headers})
			if !ok || f.topic != "frames" || f.partition != 2 || f.offset != 3 {
				t.Errorf("a letter of %+v", f)
			}
			return f
		}
		full := letter(r, o)
		if diff := cmp.Diff(before.message, back(full).message); diff != "" {
			t.Error(diff)
		}
		if f := back(withoutFrame(withoutValue(full))); !f.omitted || f.message.Value != nil || f.message.Key != nil || f.message.Headers != nil {
			t.Errorf("without the frame: %+v", f)
		}
	})
}
