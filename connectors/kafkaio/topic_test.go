package kafkaio

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The partitions of a topic that somebody has just created have no leader for a moment. Any other refusal is an error at once.
func TestATopicWithoutLeadersIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		code  *kerr.Error
		waits bool
	}{
		{kerr.NotLeaderForPartition, true},
		{kerr.LeaderNotAvailable, true},
		{kerr.TopicAuthorizationFailed, false},
	} {
		t.Run(c.code.Message, func(t *testing.T) {
			leakCheck(t)
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "frames"))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			var refused atomic.Int64
			cluster.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				if refused.Add(1) > 2 {
					return nil, nil, false
				}
				return refuse(req.(*kmsg.ListOffsetsRequest), c.code), nil, true
			})
			ends, err := EndOffsets(t.Context(), Cluster{Brokers: cluster.ListenAddrs()}, "frames")
			if c.waits && (err != nil || len(ends) != 2) {
				t.Errorf("ends %v, error %v", ends, err)
			}
			if !c.waits && !errors.Is(err, kafka.TopicAuthorizationFailed) {
				t.Errorf("error %v, want that of the broker", err)
			}
		})
	}
}

// refuse answers all partitions of a request with an error.
func refuse(r *kmsg.ListOffsetsRequest, code *kerr.Error) kmsg.Response {
	res := r.ResponseKind().(*kmsg.ListOffsetsResponse)
	for _, asked := range r.Topics {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = asked.Topic
		for _, p := range asked.Partitions {
			partition := kmsg.NewListOffsetsResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, code.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}
