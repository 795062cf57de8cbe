package kafkaio

import (
	"encoding/json"
	"testing"

	"github.com/cachenet/cachenet/schemas"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

func logBatch(offsets ...int64) protocol.RecordReader {
	var records []kafka.Record
	for _, o := range offsets {
		records = append(records, kafka.Record{Offset: o, Value: kafka.NewBytes([]byte("v"))})
	}
	return &protocol.RecordBatch{Records: kafka.NewRecordReader(records...)}
}

func marker(offset int64) protocol.RecordReader {
	return &protocol.ControlBatch{Records: kafka.NewRecordReader(kafka.Record{Offset: offset})}
}

func offsets(ranges ...[2]int64) schemas.Offsets {
	var o schemas.Offsets
	for _, r := range ranges {
		o.Add(r[0], r[1])
	}
	return o
}

func TestReadBatch(t *testing.T) {
	type result struct {
		Records []int64
		Next    int64
		Empty   schemas.Offsets
		Gaps    schemas.Offsets
	}
	want := filter{from: 10, to: 20, limit: 100}
	done := want
	done.done = offsets([2]int64{11, 13})
	tests := map[string]struct {
		parts []protocol.RecordReader
		want  filter
		out   result
	}{
		"nothing new":         {nil, want, result{Next: 10}},
		"begins before":       {[]protocol.RecordReader{logBatch(8, 9, 10, 11)}, want, result{Records: []int64{10, 11}, Next: 12}},
		"several":             {[]protocol.RecordReader{logBatch(10, 11), logBatch(12)}, want, result{Records: []int64{10, 11, 12}, Next: 13}},
		"ends at to":          {[]protocol.RecordReader{logBatch(19, 20, 21)}, filter{from: 19, to: 20, limit: 9}, result{Records: []int64{19}, Next: 20}},
		"done":                {[]protocol.RecordReader{logBatch(10, 11, 12, 13)}, done, result{Records: []int64{10, 13}, Next: 14}},
		"marker":              {[]protocol.RecordReader{logBatch(10), marker(11), logBatch(12)}, want, result{Records: []int64{10, 12}, Next: 13, Empty: offsets([2]int64{11, 12})}},
		"marker only":         {[]protocol.RecordReader{marker(10)}, want, result{Next: 11, Empty: offsets([2]int64{10, 11})}},
		"compacted":           {[]protocol.RecordReader{logBatch(12), logBatch(15)}, want, result{Records: []int64{12, 15}, Next: 16, Gaps: offsets([2]int64{10, 12}, [2]int64{13, 15})}},
		"compacted beyond to": {[]protocol.RecordReader{logBatch(25)}, want, result{Next: 20, Gaps: offsets([2]int64{10, 20})}},
		"compacted tail":      {[]protocol.RecordReader{logBatch(7, 8)}, want, result{Next: 11, Gaps: offsets([2]int64{10, 11})}},
		"empty batch":         {[]protocol.RecordReader{logBatch()}, want, result{Next: 11, Gaps: offsets([2]int64{10, 11})}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rr := kafka.NewRecordReader() // what kafka-go returns for an empty response
			if test.parts != nil {
				rr = &protocol.RecordStream{Records: test.parts}
			}
			b, err := readBatch(fetched{records: rr}, test.want)
			if err != nil {
				t.Fatal(err)
			}
			got := result{Next: b.next, Empty: b.empty, Gaps: b.gaps}
			for _, r := range b.records {
				got.Records = append(got.Records, r.offset)
			}
			if diff := cmp.Diff(asJSON(t, test.out), asJSON(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadBatchLeavesLargeValuesUnread(t *testing.T) {
	rr := kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes(make([]byte, 101))})
	b, err := readBatch(fetched{records: rr}, filter{to: 5, limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.records[0]; r.size != 101 || r.value != nil {
		t.Errorf("got size %d and %d bytes", r.size, len(r.value))
	}
}
