package kafkaio

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	fetchapi "github.com/segmentio/kafka-go/protocol/fetch"
)

// fetched is what one response brings of a partition: whole batches up to the last stable offset.
type fetched struct {
	err     error
	records kafka.RecordReader             // nil: none
	aborted []fetchapi.ResponseTransaction // transactions that were aborted and reach into the response
	stable  int64                          // last stable offset: the first one that a transaction still open holds back
	end     int64                          // high watermark
}

// fetchCommitted asks the leader of a partition for what follows an offset, as a consumer with read_committed does: the
// broker returns nothing from the first open transaction on, and says which transactions were aborted. kafka-go's
// own Client.Fetch leaves the latter out.
func (c *client) fetchCommitted(ctx context.Context, topic string, at position) (fetched, error) {
	found, err := c.fetchTogether(ctx, topic, []position{at})
	if err != nil {
		return fetched{}, err
	}
	f, ok := found[at.partition]
	if !ok {
		return fetched{}, protocol.ErrNoPartition
	}
	return f, f.err
}

// fetchTogether is fetchCommitted for several partitions of one leader, in one request. What it returns has no partition that the broker left out.
func (c *client) fetchTogether(ctx context.Context, topic string, all []position) (map[int32]fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var bytes int64
	partitions := make([]fetchapi.RequestPartition, len(all))
	for i, at := range all {
		bytes += at.bytes
		partitions[i] = fetchapi.RequestPartition{
			Partition: at.partition, CurrentLeaderEpoch: -1, FetchOffset: at.offset, LogStartOffset: -1, PartitionMaxBytes: int32(at.bytes),
		}
	}
	m, err := c.transport.RoundTrip(ctx, c.Addr, &fetchapi.Request{
		ReplicaID: -1, MaxWaitTime: int32(fetchWait / time.Millisecond), MinBytes: 1, MaxBytes: int32(min(bytes, math.MaxInt32)),
		IsolationLevel: int8(kafka.ReadCommitted), SessionID: -1, SessionEpoch: -1,
		Topics: []fetchapi.RequestTopic{{Topic: topic, Partitions: partitions}},
	})
	if err != nil {
		return nil, err
	}
	res, ok := m.(*fetchapi.Response)
	switch {
	case !ok:
		return nil, fmt.Errorf("the broker responds to a fetch with a %T", m)
	case res.ErrorCode != 0:
		return nil, kafka.Error(res.ErrorCode)
	}
	found := make(map[int32]fetched, len(all))
	for _, t := range res.Topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			f := fetched{records: p.RecordSet.Records, aborted: p.AbortedTransactions, stable: p.LastStableOffset, end: p.HighWatermark}
			if p.ErrorCode != 0 {
				f.err = kafka.Error(p.ErrorCode)
			}
			found[p.Partition] = f
		}
	}
	return found, nil
}

// transactions finds the batches of aborted transactions in one response, whose batches are shown to it in order.
type transactions struct {
	ahead []fetchapi.ResponseTransaction // that begin behind the batches seen so far, by first offset
	open  map[int64]bool                 // producers within one that was aborted
}

func newTransactions(aborted []fetchapi.ResponseTransaction) transactions {
	if len(aborted) == 0 {
		return transactions{}
	}
	slices.SortFunc(aborted, func(a, b fetchapi.ResponseTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	return transactions{ahead: aborted, open: map[int64]bool{}}
}

// drops reports whether a batch holds no records to read: it belongs to a transaction that was aborted, or holds
// markers of the end of one.
func (t *transactions) drops(part protocol.RecordReader) bool {
	switch b := part.(type) {
	case *protocol.ControlBatch:
		t.reach(b.BaseOffset)
		return true
	case *protocol.RecordBatch:
		t.reach(b.BaseOffset)
		return b.Attributes.Transactional() && t.open[b.ProducerID]
	}
	return false
}

// reach opens the aborted transactions that begin up to an offset.
func (t *transactions) reach(offset int64) {
	for len(t.ahead) > 0 && t.ahead[0].FirstOffset <= offset {
		t.open[t.ahead[0].ProducerID] = true
		t.ahead = t.ahead[1:]
	}
}

// abortMarker is the type of control records that abort a transaction.
const abortMarker = 0

// ended takes note of a marker, with which a producer's transaction ends.
func (t *transactions) ended(part protocol.RecordReader, marker *kafka.Record) error {
	b, ok := part.(*protocol.ControlBatch)
	if !ok || !t.open[b.ProducerID] || marker.Key == nil {
		return nil
	}
	var key [4]byte // version and type, both of 16 bits
	if _, err := io.ReadFull(marker.Key, key[:]); err != nil {
		return fmt.Errorf("read the transaction marker at offset %d: %w", marker.Offset, err)
	}
	if key[2] == 0 && key[3] == abortMarker {
		delete(t.open, b.ProducerID)
	}
	return nil
}
