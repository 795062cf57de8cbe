package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/connectors/frames"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/schemas"
)

// production publishes a schedule to a topic.
type production struct {
	cluster    kafkaio.Cluster
	topic      string
	partitions int
	schedule   frames.Schedule
	streams    int
	rate       float64          // frames per second of each stream, 0: as fast as it goes
	rendered   [][]frames.Frame // of each stream, where they are rendered before they are published
	sent       atomic.Int64
}

func produceCommand() *cobra.Command {
	var p production
	var cluster clusterFlags
	var sources []string
	var film film
	var look look
	c := &cobra.Command{
		Use:   "produce",
		Short: "Publish frames of many streams to a topic",
		Long: `Publishes generated scenes, or the images of a folder DIR/<class>/<sequence>_<frame>.<ext> (JPEG or PNG), as
frames of many streams. Each stream shows --active classes for --dwell frames, then others; sequences are
played in order. The key is the stream's id, the true class is in the label header.

` + filmHelp,
		Example: `  cachenet produce --brokers localhost:9092 --topic frames --source scenes --streams 48 --frames 300
  cachenet produce --brokers localhost:9092 --topic frames --source images:photos --streams 8 --frames 1000 --rate 25
  cachenet produce --brokers localhost:9092 --topic frames --source gate=rtsp://10.0.0.5/live --fps 5 --crop door=40,60,200,300`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if film.into != "" && film.wanted(sources) {
				return film.record(c, &p, sources)
			}
			if err := required(c, "brokers", "topic"); err != nil {
				return err
			}
			if err := cluster.check(); err != nil {
				return err
			}
			p.cluster = cluster.Cluster
			if film.wanted(sources) {
				return film.run(c, &p, sources)
			}
			if err := film.unwanted(c); err != nil {
				return err
			}
			if p.schedule.Source, err = openSource(sources, &look); err != nil {
				return err
			}
			bar := newProgress(c.ErrOrStderr(), "published")
			bar.total = int64(p.streams * p.schedule.Frames)
			bar.start(p.sent.Load)
			defer bar.stop()
			return p.run(c.Context())
		},
	}
	f := c.Flags()
	cluster.add(f)
	f.StringVar(&p.topic, "topic", "", "topic to publish to; created if missing")
	f.IntVar(&p.partitions, "partitions", 6, "partitions of the topic when it is created")
	f.StringArrayVar(&sources, "source", []string{"scenes"}, "scenes, images:DIR, or videos and cameras (repeated): [NAME=]video:FILE, [NAME=]rtsp://…, [NAME=]http://…, @FILE")
	addSchedule(f, &p, 48, 300, 150, 0)
	look.add(f, "32x32")
	film.add(f)
	return c
}

// openSource reads the --source flag.
func openSource(sources []string, look *look) (frames.Source, error) {
	if len(sources) != 1 {
		return nil, usageError{errors.New("--source: only videos and cameras may be given more than once")}
	}
	source := sources[0]
	if dir, ok := strings.CutPrefix(source, "images:"); ok {
		return frames.Images(dir)
	}
	if source == "scenes" {
		return look.open()
	}
	return nil, usageError{fmt.Errorf("--source %q: must be scenes, images:DIR, video:FILE, rtsp://… or http://…", source)}
}

// run publishes everything. Streams are shared out over workers by partition-sized groups, so that frames of a
// stream stay in order while batches stay large.
func (p *production) run(ctx context.Context) (err error) {
	if err := p.validate(); err != nil {
		return usageError{err}
	}
	if _, err := kafkaio.EnsureTopic(ctx, p.cluster, p.topic, p.partitions); err != nil {
		return err
	}
	producer, err := kafkaio.NewProducer(p.cluster, p.topic, "/cachenet/produce")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	const workers = 4
	g, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		g.Go(func() error { return p.publish(ctx, producer, w, workers) })
	}
	return g.Wait()
}

func (p *production) validate() error {
	if p.streams < 1 || p.partitions < 1 || p.rate < 0 {
		return fmt.Errorf("--streams %d, --partitions %d, --rate %g: at least 1 stream and partition, and no negative rate", p.streams, p.partitions, p.rate)
	}
	return p.schedule.Validate()
}

// How much of a stream goes into one call to the producer when there is no rate to keep.
const (
	chunkFrames = 16
	chunkBytes  = 1 << 20 // and then one more frame
)

// publish plays every stream whose number is w modulo workers, side by side, one chunk of each at a time.
func (p *production) publish(ctx context.Context, producer *kafkaio.Producer, w, workers int) error {
	var players []*player
	for i := w; i < p.streams; i += workers {
		pl := p.player(i)
		defer pl.stop()
		players = append(players, pl)
	}
	n := chunkFrames
	if p.rate > 0 {
		n = 1
	}
	start := time.Now()
	for step := 0; ; step++ {
		if p.rate > 0 {
			due := start.Add(time.Duration(float64(step) / p.rate * float64(time.Second)))
			if err := retry.Pause(ctx, time.Until(due)); err != nil {
				return err
			}
		}
		published, err := p.round(ctx, producer, players, n)
		if err != nil || published == 0 {
			return err
		}
	}
}

// callBytes bounds the frames in one call to the producer, which waits until all of them are acknowledged.
const callBytes = 8 << 20

// round publishes up to n frames of each stream and returns how many frames that were.
func (p *production) round(ctx context.Context, producer *kafkaio.Producer, players []*player, n int) (published int, err error) {
	var batch []schemas.Frame
	bytes := 0
	flush := func() error {
		if err := producer.Publish(ctx, batch); err != nil {
			return err
		}
		p.sent.Add(int64(len(batch)))
		published += len(batch)
		batch, bytes = nil, 0
		return nil
	}
	for _, pl := range players {
		took, err := pl.take(n, &batch)
		if err != nil {
			return published, err
		}
		if bytes += took; bytes >= callBytes {
			if err := flush(); err != nil {
				return published, err
			}
		}
	}
	return published, flush()
}
