package packs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/models"
)

const (
	// chunkBytes is what one record holds of a file. It comes within a request's 10 s over links of 30 kbit/s and more.
	chunkBytes = 32 << 10

	publishEvery = 2 * time.Second // how often new versions and lost chunks are looked for
	clearAfter   = 10 * time.Minute

	// appearAfter is how long a topic may seem to be missing while a file is published: a broker that has just started does not know its topics yet.
	appearAfter = time.Minute
)

// publisher puts the packs of an offer into a topic.
type publisher struct {
	offer *Offer
	log   *kafkaio.Log
	index *topicIndex
	sent  map[string]string    // name of a pack → sha256 of the manifest that was published last
	stale map[string]time.Time // files that belong to no pack, since when
}

func newPublisher(offer *Offer, log *kafkaio.Log) *publisher {
	return &publisher{offer: offer, log: log, index: newTopicIndex(log), sent: map[string]string{}, stale: map[string]time.Time{}}
}

// Publish puts the packs of an offer, and later their new versions, into the topic of a log, until ctx is done. The topic is created where it is
// missing. What it holds already is not sent again: after a cut or a restart the publication continues with the file where it stopped. An error is logged
// once, and tried again. Several servers may publish into the same topic.
func Publish(ctx context.Context, offer *Offer, log *kafkaio.Log) {
	p := newPublisher(offer, log)
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	told := false
	for {
		changed, err := p.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !told:
			slog.Warn("packs cannot be published; retrying", "topic", log.Topic(), "error", err)
		case err == nil && (told || changed):
			slog.Info("packs are published", "topic", log.Topic())
		}
		told = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pass brings the topic up to date once.
func (p *publisher) pass(ctx context.Context) (changed bool, err error) {
	p.offer.refresh()
	if err := p.log.Create(ctx, topicPartitions); err != nil {
		return false, err
	}
	p.index.forget() // it is small, and somebody may have recreated the topic
	if err := p.index.catchUp(ctx); err != nil {
		return false, err
	}
	if p.index.strange() {
		return false, fmt.Errorf("topic %s holds records that are no packs: name another topic", p.log.Topic())
	}
	var news []kafkaio.LogRecord
	sent := maps.Clone(p.sent)
	for _, o := range p.offer.offered() {
		have, ok, _ := p.index.pack(o.name)
		if ok && have.Manifest != o.sha && p.sent[o.name] == o.sha {
			continue // another server published its own version since
		}
		record, err := p.files(ctx, o)
		if err != nil {
			return false, fmt.Errorf("publish pack %s: %w", o.name, err)
		}
		if sent[o.name] = o.sha; !ok || have.Manifest != o.sha {
			news = append(news, record)
		}
	}
	if len(news) > 0 { // together, so that a device that finds one pack finds all
		if _, err := p.log.Append(ctx, indexPartition, news...); err != nil {
			return false, err
		}
	}
	p.sent = sent
	return len(news) > 0, p.clear(ctx)
}

// files publishes the files of a pack that the topic does not hold, and returns the pack's record.
func (p *publisher) files(ctx context.Context, o offered) (kafkaio.LogRecord, error) {
	m, err := models.ParseManifest(o.text)
	if err != nil {
		return kafkaio.LogRecord{}, err
	}
	first, end, err := p.log.Bounds(ctx, chunkPartition)
	if err != nil {
		return kafkaio.LogRecord{}, err
	}
	record := topicPack{Manifest: o.sha, Blobs: slices.Sorted(maps.Keys(m.SHAs()))}
	for _, sha := range append(slices.Clone(record.Blobs), o.sha) {
		if b, ok := p.index.blob(sha); ok && b.within(first, end) {
			continue
		}
		var content io.Reader = bytes.NewReader(o.text)
		if sha != o.sha {
			f, err := p.offer.file(sha)
			if err != nil {
				return kafkaio.LogRecord{}, err
			}
			defer f.Close()
			content = f
		}
		if err := p.blob(ctx, sha, content); err != nil {
			return kafkaio.LogRecord{}, err
		}
	}
	value, err := json.Marshal(record)
	return kafkaio.LogRecord{Key: []byte(packKey + o.name), Value: value}, err
}

// blob publishes a file, which must have that sha256. A chunk that does not get through is tried again for as long as an outage may last.
func (p *publisher) blob(ctx context.Context, sha string, content io.Reader) error {
	b := topicBlob{Chunk: chunkBytes}
	if limit := p.log.MaxRecord(ctx); limit > 0 {
		b.Chunk = min(b.Chunk, limit)
	}
	sum, buffer := sha256.New(), make([]byte, b.Chunk)
	for chunk := int64(0); ; chunk++ {
		n, err := io.ReadFull(content, buffer)
		if n == 0 && errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		sum.Write(buffer[:n])
		b.Size += int64(n)
		offset, err := p.append(ctx, chunkPartition, kafkaio.LogRecord{Key: []byte(chunkKey(sha, chunk)), Value: buffer[:n]})
		if err != nil {
			return err
		}
		if n := len(b.Runs); n > 0 && offset < b.Runs[n-1][0]+b.Runs[n-1][1] {
			return fmt.Errorf("topic %s was recreated while a file was published: all is published once more", p.log.Topic())
		}
		b.add(offset)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != sha {
		return fmt.Errorf("the file with the sha256 %s changed while it was read", sha)
	}
	value, err := json.Marshal(b)
	if err == nil {
		_, err = p.append(ctx, indexPartition, kafkaio.LogRecord{Key: []byte(blobKey + sha), Value: value})
	}
	return err
}

// append is Log.Append, tried again while the brokers are away. A topic that is missing for some time ends it: all is published once more.
func (p *publisher) append(ctx context.Context, partition int32, r kafkaio.LogRecord) (int64, error) {
	var missing time.Time
	outage := retry.Outage{Passes: func(err error) bool {
		if errors.Is(err, kafkaio.ErrNoLog) {
			if missing.IsZero() {
				missing = time.Now()
			}
			return time.Since(missing) < appearAfter
		}
		return !errors.Is(err, kafkaio.ErrLogRefuses)
	},
		Began: func(err error) {
			slog.Warn("the publication of a pack is interrupted", "topic", p.log.Topic(), "error", err)
		}}
	return retry.Get(ctx, outage, func() (int64, error) { return p.log.Append(ctx, partition, r) })
}

// clear deletes files that belong to no pack of the topic, once they have done so for long: another server may be about to publish their
// pack, and devices may be about to finish their download.
func (p *publisher) clear(ctx context.Context) error {
	stale := p.index.stale()
	for sha := range p.stale {
		if _, still := stale[sha]; !still {
			delete(p.stale, sha)
		}
	}
	for sha, b := range stale {
		since, known := p.stale[sha]
		if !known {
			p.stale[sha] = time.Now()
		}
		if !known || time.Since(since) < clearAfter {
			continue
		}
		for chunk := range b.chunks() {
			if _, err := p.log.Append(ctx, chunkPartition, kafkaio.LogRecord{Key: []byte(chunkKey(sha, chunk))}); err != nil {
				return err
			}
		}
		if _, err := p.log.Append(ctx, indexPartition, kafkaio.LogRecord{Key: []byte(blobKey + sha)}); err != nil {
			return err
		}
	}
	return nil
}
