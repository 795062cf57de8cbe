package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

const (
	topic      = "frames"
	partitions = 6
	beat       = 20 * time.Millisecond // between two batches of the producer
)

// producer publishes frames until it is stopped.
type producer struct {
	sent   atomic.Int64
	cancel context.CancelFunc
	group  *errgroup.Group
}

func (t *trial) startProducer(ctx context.Context) (*producer, error) {
	images, err := t.load()
	if err != nil {
		return nil, err
	}
	if _, err := kafkaio.EnsureTopic(ctx, t.cluster, topic, partitions); err != nil {
		return nil, err
	}
	k, err := kafkaio.NewProducer(t.cluster, topic, "/cachenet/chaos")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	p := &producer{cancel: cancel, group: g}
	g.Go(func() (err error) {
		defer func() { err = errors.Join(err, k.Close()) }()
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for n := 0; ; {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			batch := make([]schemas.Frame, max(1, t.rate*int(beat)/int(time.Second)))
			for i := range batch {
				batch[i] = schemas.Frame{Stream: fmt.Sprintf("cam-%02d", n%t.streams), Sequence: int64(n / t.streams),
					ContentType: schemas.JPEG, Image: images[n/t.streams/20%len(images)]}
				n++
			}
			// not ctx: what was begun is sent, so that sent is what the topic holds
			if err := k.Publish(context.WithoutCancel(ctx), batch); err != nil {
				return err
			}
			p.sent.Add(int64(len(batch)))
		}
	})
	return p, nil
}

// load reads some images to send.
func (t *trial) load() ([][]byte, error) {
	paths, err := fs.Glob(os.DirFS(t.images), "*/*.jpg")
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: has no <class>/*.jpg", t.images)
	}
	var images [][]byte
	for _, p := range paths {
		b, err := os.ReadFile(filepath.Join(t.images, p))
		if err != nil {
			return nil, err
		}
		images = append(images, b)
	}
	return images, nil
}

func (p *producer) stop() error {
	p.cancel()
	return p.group.Wait()
}

// verdict compares the topic with the rows.
type verdict struct {
	sent, produced, rows, distinct, failed int64
	kills, cuts                            int           // cuts of the link between device and server, random ones and the long one
	outage                                 time.Duration // of the long one
}

func (v verdict) right() bool {
	return v.sent == v.produced && v.rows == v.produced && v.distinct == v.produced && v.failed == 0
}

func (v verdict) String() string {
	text := fmt.Sprintf("produced %d, rows %d, lost %d, duplicated %d, kills %d",
		v.produced, v.rows, v.produced-v.distinct, v.rows-v.distinct, v.kills)
	if v.cuts > 0 {
		text += fmt.Sprintf(", link cut %d times, once for %v", v.cuts, v.outage)
	}
	return text
}

func (t *trial) judge(ctx context.Context, sent int64) (verdict, error) {
	v := verdict{sent: sent, kills: t.kills}
	ends, err := kafkaio.EndOffsets(ctx, t.cluster, topic)
	if err != nil {
		return v, err
	}
	for _, end := range ends {
		v.produced += end
	}
	type place struct {
		partition int32
		offset    int64
	}
	seen := map[place]bool{}
	for o, err := range parquetio.Rows(ctx, t.out()) {
		if err != nil {
			return v, err
		}
		v.rows++
		if o.Offset >= ends[o.Partition] {
			return v, fmt.Errorf("a row of offset %d of partition %d, which ends at %d", o.Offset, o.Partition, ends[o.Partition])
		}
		if o.Outcome == schemas.Error {
			v.failed++
		}
		seen[place{o.Partition, o.Offset}] = true
	}
	v.distinct = int64(len(seen))
	return v, nil
}
