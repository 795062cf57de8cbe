package packs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
	netlink "github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := kafkatest.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// names numbers the topics of the tests, which share a broker.
var names atomic.Int64

// onTopic is a broker with a topic for packs of its own, which does not exist yet.
type onTopic struct{ broker, topic string }

func newTopic(t *testing.T) onTopic {
	t.Helper()
	return onTopic{kafkatest.Shared(t), fmt.Sprintf("packs-%d", names.Add(1))}
}

// open opens the topic; link is one as --link names it, or empty.
func (o onTopic) open(t *testing.T, link string) *kafkaio.Log {
	t.Helper()
	var over *netlink.Link
	if link != "" {
		shape, err := netlink.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		over = netlink.New(shape, 1)
	}
	l, err := kafkaio.OpenLog(kafkaio.Cluster{Brokers: []string{o.broker}}, o.topic, over)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// publishing prepares a publisher of a version of the test pack; put puts another version in its place.
func (o onTopic) publishing(t *testing.T) (p *publisher, put func(number string)) {
	t.Helper()
	offer, put := versions(t)
	moment := time.Now()
	offer.now = func() time.Time { moment = moment.Add(rescan); return moment } // looks at every pass
	return newPublisher(offer, o.open(t, "")), put
}

func pass(t *testing.T, p *publisher) {
	t.Helper()
	if _, err := p.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func chunksEnd(t *testing.T, p *publisher) int64 {
	t.Helper()
	_, end, err := p.log.Bounds(t.Context(), chunkPartition)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// A device mirrors the pack of a topic and follows its versions; nothing that the topic holds is published twice, also after a restart of the server.
func TestAPackComesThroughATopic(t *testing.T) {
	topic := newTopic(t)
	p, put := topic.publishing(t)
	pass(t, p)
	c := openCache(t, t.TempDir(), NewTopicSource(topic.open(t, ""), "colours", SourceOptions{}))
	if err := c.Sync(t.Context(), Everything); err != nil {
		t.Fatal(err)
	}
	if v := opened(t, c).Version; v != "1.0.0" {
		t.Errorf("version %s", v)
	}
	end := chunksEnd(t, p)
	pass(t, p)
	pass(t, newPublisher(p.offer, p.log))
	if again := chunksEnd(t, p); again != end {
		t.Errorf("%d chunks were published again", again-end)
	}
	if changed, err := c.update(t.Context(), Everything); changed || err != nil {
		t.Errorf("changed %v: %v", changed, err)
	}
	put("2.0.0")
	pass(t, p)
	before := c.Counts()
	if changed, err := c.update(t.Context(), Everything); !changed || err != nil {
		t.Fatalf("changed %v: %v", changed, err)
	}
	if v, n := opened(t, c).Version, c.Counts().Fetched-before.Fetched; v != "2.0.0" || n != 1 {
		t.Errorf("version %s with %d files that differ", v, n)
	}
}

// A download over a link that is cut, by a device that is restarted, takes no byte twice.
func TestADownloadFromATopicContinues(t *testing.T) {
	content := noise(40*chunkBytes + 1000)
	topic := newTopic(t)
	p, _ := topic.publishing(t)
	pass(t, p)
	if err := p.blob(t.Context(), models.Digest(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	wire, err := kafkatest.NewWire(topic.broker)
	if err != nil {
		t.Fatal(err)
	}
	defer wire.Close()
	s, dir, took := NewTopicSource(onTopic{wire.Addr(), topic.topic}.open(t, "20mbit,1ms"), "colours", SourceOptions{}), t.TempDir(), int64(0)
	for round := range 3 {
		c := openCache(t, dir, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Fetch(ctx, models.Digest(content), nil) }()
		arrived(t, c, chunkBytes)
		switch round {
		case 0: // the process ends
			cancel()
		case 1: // the link is cut, and connections are reset
			if err := wire.Cut(false); err != nil {
				t.Fatal(err)
			}
			if err := wire.Mend(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		err := <-done
		cancel()
		took += c.Counts().Bytes
		if (err == nil) != (round > 0) {
			t.Errorf("round %d: %v", round, err)
		}
		if c.Close(); err == nil {
			break
		}
	}
	stored(t, &Cache{dir: dir}, content)
	if took != int64(len(content)) {
		t.Errorf("%d bytes were taken of a file of %d", took, len(content))
	}
}

// arrived waits until so many bytes of a download are here.
func arrived(t *testing.T, c *Cache, bytes int64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); c.Counts().Bytes < bytes; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", c.Counts())
		}
	}
}

// When somebody deletes the topic, the server publishes everything again, and a device goes on from where it was, whether or not it has
// looked while the topic was away.
func TestADeletedTopicIsPublishedAgain(t *testing.T) {
	for _, looks := range []bool{true, false} {
		t.Run(fmt.Sprintf("looks=%v", looks), func(t *testing.T) {
			topic := newTopic(t)
			p, put := topic.publishing(t)
			pass(t, p)
			c := openCache(t, t.TempDir(), NewTopicSource(topic.open(t, ""), "colours", SourceOptions{}))
			if err := c.Sync(t.Context(), func(models.NamedNet) bool { return false }); err != nil {
				t.Fatal(err)
			}
			topic.delete(t, p.log)
			if looks {
				if _, err := c.update(t.Context(), Everything); err == nil || !passes(err) {
					t.Errorf("without the topic: %v", err)
				}
			}
			put("2.0.0") // its files are at other places of the topic; its index is as long
			pass(t, p)
			if _, err := c.update(t.Context(), Everything); err != nil {
				t.Fatal(err)
			}
			if v := opened(t, c).Version; v != "2.0.0" {
				t.Errorf("version %s", v)
			}
		})
	}
}

// A device that has read the index of another topic of that name finds out by the chunks' keys.
func TestAChunkOfAnotherFileIsRefused(t *testing.T) {
	topic := newTopic(t)
	p, _ := topic.publishing(t)
	pass(t, p)
	log := topic.open(t, "")
	s := NewTopicSource(log, "colours", SourceOptions{})
	x := s.transport.(*overTopic)
	if err := x.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for sha, b := range x.index.blobs {
		b.Runs = [][2]int64{{b.Runs[0][0] + 1, b.chunks()}}
		x.index.blobs[sha] = b
		r, err := s.open(t.Context(), sha, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.body.Read(make([]byte, 10)); n != 0 || err == nil || !passes(err) || !strings.Contains(err.Error(), "published it again") {
			t.Errorf("%d bytes: %v", n, err)
		}
		if x.index.next != 0 {
			t.Error("the index is not read again")
		}
		break
	}
}

// delete deletes the topic, and waits until the log finds neither of its partitions: a broker forgets the topic a moment before its partitions.
func (o onTopic) delete(t *testing.T, log *kafkaio.Log) {
	t.Helper()
	if err := kafkatest.DeleteTopic(t.Context(), o.broker, o.topic); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, _, index := log.Bounds(t.Context(), indexPartition)
		_, _, chunks := log.Bounds(t.Context(), chunkPartition)
		if errors.Is(index, kafkaio.ErrNoLog) && errors.Is(chunks, kafkaio.ErrNoLog) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("topic %s is still there: %v, %v", o.topic, index, chunks)
		}
	}
}

// A name that the topic does not hold is an error that names those it holds; a topic that holds none yet is waited for.
func TestPacksThatATopicDoesNotHold(t *testing.T) {
	topic := newTopic(t)
	p, _ := topic.publishing(t)
	s := NewTopicSource(topic.open(t, ""), "shapes", SourceOptions{})
	if _, err := s.latest(t.Context(), ""); err == nil || !passes(err) || !strings.Contains(err.Error(), "holds no pack yet") {
		t.Errorf("without a topic: %v", err)
	}
	if err := p.log.Create(t.Context(), topicPartitions); err != nil {
		t.Fatal(err)
	}
	if _, err := s.latest(t.Context(), ""); err == nil || !passes(err) || !strings.Contains(err.Error(), "holds no pack yet") {
		t.Errorf("with an empty topic: %v", err)
	}
	pass(t, p)
	if _, err := s.latest(t.Context(), ""); err == nil || passes(err) || !strings.Contains(err.Error(), `no pack of the name "shapes": it has colours`) {
		t.Errorf("with another pack: %v", err)
	}
	if _, err := s.open(t.Context(), models.Digest(nil), 0); err == nil || passes(err) {
		t.Errorf("a file that the topic does not hold: %v", err)
	}
}

// Chunks are as small as the topic wants them.
func TestChunksFitTheTopic(t *testing.T) {
	topic := newTopic(t)
	k := &kafka.Client{Addr: kafka.TCP(topic.broker), Transport: &kafka.Transport{}}
	defer k.Transport.(*kafka.Transport).CloseIdleConnections()
	res, err := k.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic.topic, NumPartitions: topicPartitions, ReplicationFactor: 1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: "12000"}}}}})
	if err == nil {
		err = res.Errors[topic.topic]
	}
	if err != nil {
		t.Fatal(err)
	}
	p, _ := topic.publishing(t)
	pass(t, p)
	content := noise(50_000)
	if err := p.blob(t.Context(), models.Digest(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	c := openCache(t, t.TempDir(), NewTopicSource(topic.open(t, ""), "colours", SourceOptions{}))
	if err := c.Fetch(t.Context(), models.Digest(content), nil); err != nil {
		t.Fatal(err)
	}
	stored(t, c, content)
}

// A topic that is used for something else is left alone.
func TestATopicOfSomethingElseIsRefused(t *testing.T) {
	p, _ := newTopic(t).publishing(t)
	if err := p.log.Create(t.Context(), topicPartitions); err != nil {
		t.Fatal(err)
	}
	if _, err := p.log.Append(t.Context(), indexPartition, kafkaio.LogRecord{Key: []byte("cam-1"), Value: []byte("frame")}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.pass(t.Context()); err == nil || !strings.Contains(err.Error(), "name another topic") {
		t.Errorf("error is %v", err)
	}
	if n := chunksEnd(t, p); n != 0 {
		t.Errorf("%d chunks were published", n)
	}
}

// A file that is not what its name says is never listed.
func TestADamagedFileIsNotPublished(t *testing.T) {
	p, _ := newTopic(t).publishing(t)
	pass(t, p)
	sha := models.Digest([]byte("expected"))
	if err := p.blob(t.Context(), sha, strings.NewReader("read")); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("error is %v", err)
	}
	if err := p.index.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.index.blob(sha); ok {
		t.Error("it is in the index")
	}
}

// Files of versions that nobody offers any more are deleted, but not at once. A second server with the old version does not publish it again.
func TestOldFilesLeaveTheTopic(t *testing.T) {
	topic := newTopic(t)
	p, put := topic.publishing(t)
	other, _ := topic.publishing(t)
	pass(t, other)
	pass(t, p)
	put("2.0.0")
	for range 3 {
		pass(t, p)
		pass(t, other)
	}
	if have, _, _ := p.index.pack("colours"); have.Manifest != p.sent["colours"] {
		t.Error("the servers publish in turn")
	}
	stale := len(p.index.stale())
	if stale == 0 {
		t.Fatal("no file is stale")
	}
	for sha := range p.stale {
		p.stale[sha] = p.stale[sha].Add(-clearAfter)
	}
	pass(t, p)
	if err := p.index.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := len(p.index.stale()); left != 0 {
		t.Errorf("%d of %d stale files are left", left, stale)
	}
}

// Each chunk is found where it was put, whatever lies between.
func TestPlacesOfChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, offset, offsets := topicBlob{Chunk: 1}, int64(0), []int64(nil)
		for _, gap := range rapid.SliceOfN(rapid.Int64Range(0, 2), 0, 20).Draw(t, "gaps") {
			offset += gap
			offsets = append(offsets, offset)
			b.add(offset)
			b.Size++
			offset++
		}
		for i, want := range offsets {
			got, run, ok := b.place(int64(i))
			if !ok || got != want || run < 1 || i+int(run) > len(offsets) || offsets[i+int(run)-1] != want+run-1 {
				t.Fatalf("chunk %d is at %d, found at %d with %d in a row", i, want, got, run)
			}
		}
		if _, _, ok := b.place(int64(len(offsets))); ok || !b.sound() || !b.within(0, offset) {
			t.Fatalf("%+v", b)
		}
		if len(offsets) > 0 && (b.within(0, offset-1) || b.within(offsets[0]+1, offset)) {
			t.Fatalf("%+v is within less", b)
		}
	})
}

func TestAddressesOfTopics(t *testing.T) {
	for address, want := range map[string]string{"kafka:packs/scenes": "packs scenes", "kafka:packs": "", "kafka:/scenes": "", "kafka:packs/": "", "kafka:a/b/c": "", "packs/scenes": ""} {
		topic, name, err := TopicOf(address)
		if got := strings.TrimSpace(topic + " " + name); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
}

func FuzzTopicIndex(f *testing.F) {
	f.Add("blob "+models.Digest(nil), []byte(`{"size":3,"chunk":2,"runs":[[5,2]]}`))
	f.Add("pack colours", []byte(`{"manifest":"`+models.Digest(nil)+`","blobs":[]}`))
	f.Add("blob x", []byte(`{"size":9223372036854775807,"chunk":1,"runs":[[-1,9223372036854775807]]}`))
	f.Add("blob y", []byte(`{"size":-1,"chunk":0}`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		x := newTopicIndex(nil)
		x.take(key, value)
		for _, b := range x.blobs {
			if n := b.chunks(); n > 0 {
				if _, run, ok := b.place(n - 1); !ok || run < 1 {
					t.Errorf("%+v has no place for its last chunk", b)
				}
			}
		}
		x.stale()
	})
}
