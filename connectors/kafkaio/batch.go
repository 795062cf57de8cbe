package kafkaio

import (
	"errors"
	"io"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// batch is what one fetch brought of the offsets [from, to), beginning at from.
type batch struct {
	records []record
	next    int64           // the offset to go on from
	empty   schemas.Offsets // transaction markers and records of aborted transactions: nothing to read
	gaps    schemas.Offsets // offsets below next where the log holds nothing, as compaction leaves them
}

// filter says which records of a response are wanted.
type filter struct {
	from, to int64
	done     schemas.Offsets                     // not wanted
	limit    int                                 // a value of more bytes is measured and left unread
	memory   func(offset int64, size int) []byte // for a value; nil: of its own
}

// readBatch reads a fetch response. Brokers return whole batches, so it may begin before from; a batch that
// the response cuts off is dropped by kafka-go and comes again with the next fetch.
func readBatch(res fetched, want filter) (batch, error) {
	b := batch{next: want.from}
	if res.records == nil {
		return b, nil
	}
	parts := []protocol.RecordReader{res.records}
	stream, ok := res.records.(*protocol.RecordStream) // read as one, it would hide which batch is whose
	if ok {
		parts = stream.Records
	}
	aborted := newTransactions(res.aborted)
	for _, part := range parts {
		if err := b.readPart(part, &aborted, want); err != nil {
			return b, err
		}
	}
	if ok && len(parts) > 0 && b.next == want.from {
		// The response covers from and holds no record there, nor behind it. How far the gap reaches is
		// in the part of the batch header that kafka-go leaves out, so it is crossed one by one.
		b.gaps.Add(want.from, want.from+1)
		b.next++
	}
	return b, nil
}

func (b *batch) readPart(part protocol.RecordReader, aborted *transactions, want filter) error {
	drop := aborted.drops(part)
	for b.next < want.to {
		rec, err := part.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if drop {
			err = aborted.ended(part, rec)
		}
		if err = errors.Join(err, b.add(rec, drop, want)); err != nil {
			return err
		}
	}
	return nil
}

// add takes one record of the response, in offset order, and releases its buffers.
func (b *batch) add(rec *kafka.Record, drop bool, want filter) error {
	defer release(rec.Key)
	defer release(rec.Value)
	if rec.Offset < b.next {
		return nil
	}
	b.gaps.Add(b.next, min(rec.Offset, want.to))
	b.next = min(rec.Offset+1, want.to)
	switch {
	case rec.Offset >= want.to || want.done.Contains(rec.Offset):
		return nil
	case drop:
		b.empty.Add(rec.Offset, rec.Offset+1)
		return nil
	}
	r, err := readRecord(rec, want)
	if err != nil {
		return err
	}
	b.records = append(b.records, r)
	return nil
}

func readRecord(rec *kafka.Record, want filter) (record, error) {
	r := record{offset: rec.Offset, time: rec.Time, headers: rec.Headers}
	var err error
	if r.key, err = kafka.ReadAll(rec.Key); err != nil {
		return r, err
	}
	if rec.Value == nil {
		return r, nil
	}
	switch r.size = rec.Value.Len(); {
	case r.size > want.limit:
	case want.memory == nil:
		r.value, err = kafka.ReadAll(rec.Value)
	default:
		r.value = want.memory(r.offset, r.size)
		_, err = io.ReadFull(rec.Value, r.value)
	}
	return r, err
}

func release(b kafka.Bytes) {
	if b != nil {
		b.Close() // returns a buffer to kafka-go's pool; there is no error to give
	}
}
