package kafkatest

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// These requests use franz-go, since kafka-go lacks nearly all of them.

// request sends one request, over a connection of its own.
func request[R any](ctx context.Context, addr string, send func(context.Context, kmsg.Requestor) (R, error)) (R, error) {
	k, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return *new(R), err
	}
	defer k.Close()
	return send(ctx, k)
}

// DeleteRecords deletes what a partition holds before an offset, as retention does.
func DeleteRecords(ctx context.Context, addr, topic string, partition int32, before int64) error {
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = partition, before
	of := kmsg.NewDeleteRecordsRequestTopic()
	of.Topic, of.Partitions = topic, []kmsg.DeleteRecordsRequestTopicPartition{part}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = []kmsg.DeleteRecordsRequestTopic{of}
	req.TimeoutMillis = 5000
	res, err := request(ctx, addr, req.RequestWith)
	if err != nil {
		return err
	}
	for _, p := range res.Topics[0].Partitions {
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return fmt.Errorf("delete records of %s/%d: %w", topic, partition, err)
		}
	}
	return nil
}

// DeleteTopic deletes a topic. Kafka acknowledges before it does so: for a moment requests may still find the topic.
func DeleteTopic(ctx context.Context, addr, topic string) error {
	of := kmsg.NewDeleteTopicsRequestTopic()
	of.Topic = &topic
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.Topics = []string{topic}, []kmsg.DeleteTopicsRequestTopic{of}
	req.TimeoutMillis = 5000
	res, err := request(ctx, addr, req.RequestWith)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(res.Topics[0].ErrorCode); err != nil {
		return fmt.Errorf("delete topic %s: %w", topic, err)
	}
	return nil
}

// AddPartitions raises the number of a topic's partitions to count.
func AddPartitions(ctx context.Context, addr, topic string, count int32) error {
	of := kmsg.NewCreatePartitionsRequestTopic()
	of.Topic, of.Count = topic, count
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = []kmsg.CreatePartitionsRequestTopic{of}
	req.TimeoutMillis = 5000
	res, err := request(ctx, addr, req.RequestWith)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(res.Topics[0].ErrorCode); err != nil {
		return fmt.Errorf("add partitions to %s: %w", topic, err)
	}
	return nil
}

// AddScramUser creates a user with SCRAM-SHA-512 credentials.
func AddScramUser(ctx context.Context, addr, user, password string) error {
	const iterations = 4096
	salt := []byte(rand.Text())
	salted, err := pbkdf2.Key(sha512.New, password, salt, iterations, sha512.Size)
	if err != nil {
		return err
	}
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations, u.Salt, u.SaltedPassword = user, 2, iterations, salt, salted
	req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	req.Upsertions = []kmsg.AlterUserSCRAMCredentialsRequestUpsertion{u}
	res, err := request(ctx, addr, req.RequestWith)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(res.Results[0].ErrorCode); err != nil {
		return fmt.Errorf("add user %s: %w", user, err)
	}
	return nil
}

// MoveLeader makes the broker with the node id `to` the leader of every partition of the topic, which has to have
// replicas there. It returns when that broker leads them all: a replica that was offline has to catch up first.
func MoveLeader(ctx context.Context, addr, topic string, to int32) error {
	k, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer k.Close()
	for tick := time.Tick(100 * time.Millisecond); ; {
		led, err := elect(ctx, k, topic, to)
		if led && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("make broker %d lead %s: %w", to, topic, errors.Join(ctx.Err(), err))
		case <-tick:
		}
	}
}

// elect requests an election; it reports whether that broker already leads every partition.
func elect(ctx context.Context, k *kgo.Client, topic string, to int32) (led bool, err error) {
	partitions, err := replicas(ctx, k, topic)
	if err != nil {
		return false, err
	}
	prefer := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	vote := kmsg.NewElectLeadersRequestTopic()
	prefer.Topic, vote.Topic = topic, topic
	for _, p := range partitions {
		if p.Leader == to {
			continue
		}
		first := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		first.Partition = p.Partition
		first.Replicas = append([]int32{to}, slices.DeleteFunc(p.Replicas, func(id int32) bool { return id == to })...)
		prefer.Partitions = append(prefer.Partitions, first)
		vote.Partitions = append(vote.Partitions, p.Partition)
	}
	if len(vote.Partitions) == 0 {
		return true, nil
	}
	assign := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	assign.Topics = []kmsg.AlterPartitionAssignmentsRequestTopic{prefer}
	if _, err := assign.RequestWith(ctx, k); err != nil {
		return false, err
	}
	election := kmsg.NewPtrElectLeadersRequest() // of the preferred leader, which is the first replica
	election.Topics = []kmsg.ElectLeadersRequestTopic{vote}
	_, err = election.RequestWith(ctx, k)
	return false, err
}

// replicas returns the metadata of the topic's partitions.
func replicas(ctx context.Context, k *kgo.Client, topic string) ([]kmsg.MetadataResponseTopicPartition, error) {
	of := kmsg.NewMetadataRequestTopic()
	of.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{of}
	res, err := req.RequestWith(ctx, k)
	if err != nil {
		return nil, err
	}
	return res.Topics[0].Partitions, kerr.ErrorForCode(res.Topics[0].ErrorCode)
}
