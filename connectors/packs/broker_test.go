package packs

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/models"
)

// whole fails unless a device with an empty cache gets the pack of the topic, and a file beside it.
func (o onTopic) whole(t *testing.T, version string, content []byte) {
	t.Helper()
	c := openCache(t, t.TempDir(), NewTopicSource(o.open(t, ""), "colours", SourceOptions{}))
	if err := c.Sync(t.Context(), Everything); err != nil {
		t.Fatal(err)
	}
	if v := opened(t, c).Version; v != version {
		t.Errorf("version %s, want %s", v, version)
	}
	if err := c.Fetch(t.Context(), models.Digest(content), nil); err != nil {
		t.Fatal(err)
	}
	stored(t, c, content)
}

// within waits until something is true.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}

// The broker dies while a file is published, and again while it is downloaded: both continue where they were.
func TestTheBrokerDiesInTheMiddle(t *testing.T) {
	b := kafkatest.Own(t)
	topic, content := onTopic{b.Addr(), "packs"}, noise(80*chunkBytes+1000)
	restart := func() {
		t.Helper()
		if err := b.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := b.Start(); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := topic.publishing(t)
	pass(t, p)
	before, published := chunksEnd(t, p), make(chan error, 1)
	slow := newPublisher(p.offer, topic.open(t, "40mbit,1ms"))
	go func() { published <- slow.blob(t.Context(), models.Digest(content), bytes.NewReader(content)) }()
	within(t, time.Minute, "a part of the file is published", func() bool { return chunksEnd(t, p) > before+5 })
	restart()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	c := openCache(t, t.TempDir(), NewTopicSource(topic.open(t, "40mbit,1ms"), "colours", SourceOptions{}))
	fetched := make(chan error, 1)
	go func() { fetched <- c.Fetch(t.Context(), models.Digest(content), nil) }()
	arrived(t, c, chunkBytes)
	restart()
	if err := <-fetched; err != nil {
		t.Fatal(err)
	}
	stored(t, c, content)
	if took := c.Counts().Bytes; took != int64(len(content)) {
		t.Errorf("%d bytes were taken of a file of %d", took, len(content))
	}
	p = newPublisher(p.offer, topic.open(t, "")) // the old one's connections are those to the dead broker
	end := chunksEnd(t, p)
	pass(t, p)
	if again := chunksEnd(t, p); again != end {
		t.Errorf("%d chunks were published again", again-end)
	}
}

// What retention deletes of a topic that is not compacted is published again, at other offsets.
func TestWhatRetentionDeletedIsPublishedAgain(t *testing.T) {
	topic := newTopic(t)
	if _, err := kafkaio.EnsureTopic(t.Context(), kafkaio.Cluster{Brokers: []string{topic.broker}}, topic.topic, topicPartitions); err != nil {
		t.Fatal(err) // by others, and not compacted: Kafka deletes no records of a compacted topic
	}
	p, _ := topic.publishing(t)
	pass(t, p)
	end := chunksEnd(t, p)
	late := NewTopicSource(topic.open(t, ""), "colours", SourceOptions{}) // knows the old places
	if err := late.transport.(*overTopic).look(t.Context()); err != nil {
		t.Fatal(err)
	}
	sha := anyBlob(late)
	if err := kafkatest.DeleteRecords(t.Context(), topic.broker, topic.topic, chunkPartition, end); err != nil {
		t.Fatal(err)
	}
	c, fetched := openCache(t, t.TempDir(), late), make(chan error, 1)
	go func() { fetched <- c.Fetch(t.Context(), sha, nil) }()
	index := late.transport.(*overTopic).index
	within(t, time.Minute, "the device finds that the file is gone", func() bool {
		index.mu.Lock()
		defer index.mu.Unlock()
		return index.next == 0
	})
	pass(t, p)
	if err := <-fetched; err != nil {
		t.Error(err)
	}
	if again := chunksEnd(t, p); again != 2*end {
		t.Errorf("the chunks end at %d, then at %d", end, again)
	}
	topic.whole(t, "1.0.0", p.offer.offered()[0].text)
}

// anyBlob is the sha256 of a file that the index names.
func anyBlob(s *Source) string {
	x := s.transport.(*overTopic).index
	x.mu.Lock()
	defer x.mu.Unlock()
	for sha := range x.blobs {
		return sha
	}
	return ""
}

// Compaction removes what newer records replaced, and tombstones: packs are whole afterwards, and nothing is published again.
func TestCompactionLeavesPacksWhole(t *testing.T) {
	if !kafkatest.Real() {
		t.Skip("only a real Kafka compacts (make test-kafka)")
	}
	b := kafkatest.Own(t, "log.segment.bytes=1048576", "log.cleaner.backoff.ms=200", "log.cleaner.min.cleanable.ratio=0.001", "log.cleaner.delete.retention.ms=1",
		"log.roll.ms=500", "log.retention.check.interval.ms=500")
	topic, content := onTopic{b.Addr(), "packs"}, noise(100*chunkBytes+7)
	p, put := topic.publishing(t)
	pass(t, p)
	if err := p.blob(t.Context(), models.Digest(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	gone := noise(40 * chunkBytes)[1:]
	if err := p.blob(t.Context(), models.Digest(gone), bytes.NewReader(gone)); err != nil {
		t.Fatal(err)
	}
	pass(t, p)
	delete(p.stale, models.Digest(content))
	p.stale[models.Digest(gone)] = time.Now().Add(-clearAfter)
	version, number := "1.0.0", 0
	left := func(partition int32) (records, offsets int64) {
		first, end, err := p.log.Bounds(t.Context(), partition)
		for at := first; at < end && err == nil; {
			var some []kafkaio.LogRecord
			if some, at, err = p.log.Read(t.Context(), partition, at, indexBytes); err == nil {
				records += int64(len(some))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return records, end
	}
	within(t, 3*time.Minute, "compaction", func() bool { // new versions make new segments; closed ones are compacted
		number++
		version = fmt.Sprintf("1.%d.0", number)
		put(version)
		pass(t, p)
		time.Sleep(300 * time.Millisecond) // let the cleaner come by
		index, n := left(indexPartition)
		chunks, m := left(chunkPartition)
		return index < n && chunks <= m-40
	})
	end := chunksEnd(t, p)
	pass(t, newPublisher(p.offer, topic.open(t, "")))
	if again := chunksEnd(t, p); again != end {
		t.Errorf("%d chunks were published again", again-end)
	}
	topic.whole(t, version, content)
}
