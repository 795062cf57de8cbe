package kafkaio

import (
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/broker"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestReadSurvivesABrokerRestart(t *testing.T) {
	leakCheck(t)
	options := broker.Options{DataDir: t.TempDir(), Topics: map[string]int32{"frames": 4}}
	b, err := broker.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	options.Listen = b.Addr()
	c := Cluster{Brokers: []string{b.Addr()}}
	publish(t, c, streamFrames(10, 0, 300))

	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, true), BundleRecords: 40,
		FetchBytes: 1000, QueueBytes: 1000}, 50*session.FrameCost, nil) // fetching never pauses
	for from := 300; from < 900; from += 300 {
		eventually(t, "frames arrive", func() bool { return j.count() > 10*(from-200) })
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond) // an outage, not a wait
		if b, err = broker.Start(options); err != nil {
			t.Fatal(err)
		}
		publish(t, c, streamFrames(10, from, 300))
	}
	defer b.Close()
	eventually(t, "all frames arrive", func() bool { return j.count() >= 9000 })
	j.link.Drain()
	checkOnce(t, j.mustEnd(t), 9000, 0)
}

// A frame is read again for as long as the caller waits for a broker that is away.
func TestRefetchWaitsForABroker(t *testing.T) {
	leakCheck(t)
	options := broker.Options{DataDir: t.TempDir(), Topics: map[string]int32{"frames": 1}}
	b, err := broker.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	options.Listen = b.Addr()
	c := Cluster{Brokers: []string{b.Addr()}}
	publish(t, c, streamFrames(1, 0, 3))
	client, err := c.connect("frames")
	if err != nil {
		t.Fatal(err)
	}
	defer client.close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	want := filter{to: 3, limit: 1 << 20}
	if _, err := client.refetch(t.Context(), time.Millisecond, "frames", 0, want); err == nil {
		t.Error("a broker that is away is no error")
	}
	type result struct {
		batch
		err error
	}
	read := make(chan result)
	go func() {
		b, err := client.refetch(t.Context(), time.Minute, "frames", 0, want)
		read <- result{b, err}
	}()
	if b, err = broker.Start(options); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := <-read; got.err != nil || len(got.records) != 3 {
		t.Errorf("%d records, %v", len(got.records), got.err)
	}
}

func TestReadFollowsAMovedLeader(t *testing.T) {
	leakCheck(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(2, "frames"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	c := Cluster{Brokers: cluster.ListenAddrs()}
	publish(t, c, streamFrames(10, 0, 50))
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, true)}, 0, nil)
	eventually(t, "frames arrive", func() bool { return j.count() == 500 })
	for p := range int32(2) {
		if err := cluster.MoveTopicPartition("frames", p, 2); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, c, streamFrames(10, 50, 50))
	eventually(t, "all frames arrive", func() bool { return j.count() >= 1000 })
	j.link.Drain()
	checkOnce(t, j.mustEnd(t), 1000, 0)
}
