package kafkatest

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// franz-go does here what kafka-go has no request for.

// DeleteRecords deletes what a partition holds before an offset, as retention does.
func DeleteRecords(ctx context.Context, addr, topic string, partition int32, before int64) error {
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = partition, before
	of := kmsg.NewDeleteRecordsRequestTopic()
	of.Topic, of.Partitions = topic, []kmsg.DeleteRecordsRequestTopicPartition{part}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = []kmsg.DeleteRecordsRequestTopic{of}
	req.TimeoutMillis = 5000
	k, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer k.Close()
	res, err := req.RequestWith(ctx, k)
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

// AddPartitions lets a topic have so many partitions.
func AddPartitions(ctx context.Context, addr, topic string, count int32) error {
	of := kmsg.NewCreatePartitionsRequestTopic()
	of.Topic, of.Count = topic, count
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = []kmsg.CreatePartitionsRequestTopic{of}
	req.TimeoutMillis = 5000
	k, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer k.Close()
	res, err := req.RequestWith(ctx, k)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(res.Topics[0].ErrorCode); err != nil {
		return fmt.Errorf("add partitions to %s: %w", topic, err)
	}
	return nil
}

// AddScramUser lets a user log in by SCRAM-SHA-512.
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
	k, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer k.Close()
	res, err := req.RequestWith(ctx, k)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(res.Results[0].ErrorCode); err != nil {
		return fmt.Errorf("add user %s: %w", user, err)
	}
	return nil
}
