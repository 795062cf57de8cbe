package kafkaio

import (
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// franz-go is used for the requests that kafka-go lacks.

func admin(t *testing.T, c Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	k, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.Brokers...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// deleteRecords deletes the records of partition 0 of the topic "frames" before an offset, as retention does.
func deleteRecords(t *testing.T, c Cluster, before int64) {
	t.Helper()
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = 0, before
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = "frames", []kmsg.DeleteRecordsRequestTopicPartition{part}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = []kmsg.DeleteRecordsRequestTopic{topic}
	res, err := req.RequestWith(t.Context(), admin(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if code := res.Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatalf("delete records: error code %d", code)
	}
}

// publishTransactions publishes frames of one stream in the given number of transactions.
func publishTransactions(t *testing.T, c Cluster, transactions, frames int) {
	t.Helper()
	k := admin(t, c, kgo.TransactionalID("test"), kgo.DefaultProduceTopic("frames"))
	for i := range transactions {
		if err := k.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for n := range frames {
			r := &kgo.Record{Key: []byte("cam-00"), Value: []byte("image"),
				Headers: []kgo.RecordHeader{{Key: "sequence", Value: []byte(strconv.Itoa(i*frames + n))}}}
			if err := k.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
}
