package packs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/models"
)

const (
	topicScheme = "kafka:"

	firstChunks, mostChunks = 1, 32 // asked for in one request: more and more while they come
	chunkOverhead           = 256   // bytes of a chunk's batch and key
)

// IsTopic reports whether the name of a pack is the address of one in a Kafka topic.
func IsTopic(pack string) bool { return strings.HasPrefix(pack, topicScheme) }

// TopicOf returns topic and name of a pack with an address like kafka:TOPIC/NAME.
func TopicOf(address string) (topic, name string, err error) {
	topic, name, _ = strings.Cut(strings.TrimPrefix(address, topicScheme), "/")
	if !IsTopic(address) || topic == "" || name == "" || strings.Contains(name, "/") {
		return "", "", fmt.Errorf("pack %s: must be an address like %sTOPIC/NAME", address, topicScheme)
	}
	return topic, name, nil
}

// overTopic is a pack that a server publishes in a Kafka topic (see [Publish]).
type overTopic struct {
	log   *kafkaio.Log
	pack  string
	index *topicIndex
}

// NewTopicSource returns the pack of that name in the topic that the log reads. It makes no request.
func NewTopicSource(log *kafkaio.Log, name string, o SourceOptions) *Source {
	return o.source(&overTopic{log: log, pack: name, index: newTopicIndex(log)})
}

func (t *overTopic) name() string         { return topicScheme + t.log.Topic() + "/" + t.pack }
func (t *overTopic) at(sha string) string { return topicScheme + t.log.Topic() + " blob " + sha }

// look reads what is new in the index.
func (t *overTopic) look(ctx context.Context) error {
	if err := t.index.catchUp(ctx); err != nil {
		return fmt.Errorf("read the index of %s: %w", t.name(), err)
	}
	return nil
}

func (t *overTopic) manifest(ctx context.Context, known string) ([]byte, error) {
	if err := t.look(ctx); err != nil && !errors.Is(err, kafkaio.ErrNoLog) {
		return nil, err
	}
	p, ok, names := t.index.pack(t.pack)
	switch {
	case !ok && len(names) == 0:
		return nil, fmt.Errorf("topic %s holds no pack yet: is cachenet serve --packs-topic %s running?", t.log.Topic(), t.log.Topic())
	case !ok:
		slices.Sort(names)
		return nil, final("topic %s holds no pack of the name %q: it has %s", t.log.Topic(), t.pack, strings.Join(names, ", "))
	case p.Manifest == known:
		return nil, nil
	}
	s, err := t.open(ctx, p.Manifest, 0)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(s.body, maxManifest))
	if err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", t.name(), err)
	}
	if models.Digest(text) != p.Manifest {
		return nil, fmt.Errorf("the manifest of %s does not have the sha256 that the topic names: it is not whole", t.name())
	}
	return text, nil
}

func (t *overTopic) open(ctx context.Context, sha string, have int64) (stream, error) {
	if err := t.look(ctx); err != nil {
		return stream{}, err
	}
	b, ok := t.index.blob(sha)
	if !ok {
		return stream{}, final("topic %s does not hold the file: the server may offer another version by now", t.log.Topic())
	}
	if have > b.Size {
		have = 0 // the partial file is too long
	}
	r := &chunks{ctx: ctx, topic: t, sha: sha, blob: b, at: have, ask: firstChunks}
	return stream{body: io.NopCloser(r), from: have, size: b.Size}, nil
}

// chunks reads a file from the topic.
type chunks struct {
	ctx   context.Context
	topic *overTopic
	sha   string
	blob  topicBlob
	at    int64  // of the file, where buffer begins
	ask   int64  // chunks in the next request
	left  []byte // that was read and not taken
}

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		if c.at >= c.blob.Size {
			return 0, io.EOF
		}
		if err := c.fetch(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.left)
	c.left, c.at = c.left[n:], c.at+int64(n)
	return n, nil
}

// fetch makes one request.
func (c *chunks) fetch() error {
	chunk := c.at / c.blob.Chunk
	offset, run, ok := c.blob.place(chunk)
	if !ok {
		return final("the index of topic %s is damaged: it names no place for chunk %d of %s", c.topic.log.Topic(), chunk, c.sha)
	}
	run = min(run, c.ask)
	records, _, err := c.topic.log.Read(c.ctx, chunkPartition, offset, run*(c.blob.Chunk+chunkOverhead))
	if err != nil && !errors.Is(err, kafkaio.ErrNoOffset) && !errors.Is(err, kafkaio.ErrNoLog) {
		return err
	}
	skip := c.at - chunk*c.blob.Chunk
	for i, r := range records {
		at := int64(i)
		if at >= run || r.Offset != offset+at || string(r.Key) != chunkKey(c.sha, chunk+at) || int64(len(r.Value)) != min(c.blob.Chunk, c.blob.Size-(chunk+at)*c.blob.Chunk) {
			break
		}
		c.left = append(c.left, r.Value[skip:]...)
		skip = 0
	}
	if len(c.left) == 0 {
		c.topic.index.forget()
		return fmt.Errorf("topic %s does not hold chunk %d of the file at offset %d any more: waiting until the server has published it again", c.topic.log.Topic(), chunk, offset)
	}
	c.ask = min(2*c.ask, mostChunks)
	return nil
}
