package kafkaio

import (
	"context"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// share is what one broker is sent of some messages.
type share struct {
	leader  int
	records map[int32][]kafka.Record // by partition
	acked   map[int32]bool
}

// together sends messages in one request to each broker that leads some of their partitions, and returns those that were
// not acknowledged, in order, for kafka-go's writer to send. That one makes a request for each partition, after a timer;
// with few records in each that costs both sides more than the records do. A request whose response is lost may have been
// carried out, and its records are sent again, as kafka-go's writer does.
func (w *writer) together(ctx context.Context, messages []kafka.Message) (left []kafka.Message) {
	w.open.RLock()
	defer w.open.RUnlock()
	if w.closed {
		return messages
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	partitions, shares := w.divide(ctx, messages)
	if shares == nil {
		return messages
	}
	var sending sync.WaitGroup
	for _, s := range shares {
		sending.Go(func() { w.produce(ctx, s) })
	}
	sending.Wait()
	for i, p := range partitions {
		if !acked(shares, p) {
			left = append(left, messages[i])
		}
	}
	return left
}

func acked(shares []*share, partition int32) bool {
	for _, s := range shares {
		if s.acked[partition] {
			return true
		}
	}
	return false
}

// divide returns the partition of each message, and what each broker is to be sent; nil where not every leader is known, or
// where a partition's records need more than one batch.
func (w *writer) divide(ctx context.Context, messages []kafka.Message) (partitions []int32, shares []*share) {
	meta, err := w.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{w.topic}}) // from memory, see metadataTTL
	if err != nil || meta.Topics[0].Error != nil {
		return nil, nil
	}
	known := meta.Topics[0].Partitions
	leaders, all, bytes := make(map[int32]*share, len(known)), make([]int, len(known)), make(map[int32]int64, len(known))
	for i, p := range known {
		if p.Error != nil || p.Leader.Host == "" || p.ID >= len(all) {
			return nil, nil
		}
		all[i] = i
		at := -1
		for k, s := range shares {
			if s.leader == p.Leader.ID {
				at = k
			}
		}
		if at < 0 {
			at, shares = len(shares), append(shares, &share{leader: p.Leader.ID, records: map[int32][]kafka.Record{}, acked: map[int32]bool{}})
		}
		leaders[int32(p.ID)] = shares[at]
	}
	partitions = make([]int32, len(messages))
	for i := range messages {
		m := &messages[i]
		p := int32(w.batches.Balancer.Balance(*m, all...))
		if bytes[p] += sizeOf(m); bytes[p] > w.batches.BatchBytes {
			return nil, nil
		}
		partitions[i] = p
		leaders[p].records[p] = append(leaders[p].records[p], recordOf(m))
	}
	return partitions, shares
}

// produce sends a broker its share and notes which partitions it acknowledged.
func (w *writer) produce(ctx context.Context, s *share) {
	if len(s.records) == 0 {
		return
	}
	topic := produce.RequestTopic{Topic: w.topic}
	for p, records := range s.records {
		topic.Partitions = append(topic.Partitions, produce.RequestPartition{Partition: p, RecordSet: protocol.RecordSet{Records: kafka.NewRecordReader(records...)}})
	}
	res, err := w.batches.Transport.RoundTrip(ctx, w.client.Addr, &produce.Request{
		Acks: int16(kafka.RequireAll), Timeout: int32(requestTimeout.Milliseconds()), Topics: []produce.RequestTopic{topic},
	})
	if err != nil {
		return // kafka-go's writer meets the same error, and knows which of them pass
	}
	answer, ok := res.(*produce.Response)
	if !ok {
		return
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			s.acked[p.Partition] = p.ErrorCode == 0
		}
	}
}
