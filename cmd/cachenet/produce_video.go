package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/video"
	"github.com/cachenet/cachenet/schemas"
)

const filmHelp = `With --source video:FILE, rtsp://… or http://… (MJPEG) it publishes the pictures of videos and cameras; give --source once for
each, as NAME=… to name the camera, or @FILE for a file with one source per line (so that no password is on
the command line). The key is the camera's name, or CAMERA/REGION with --crop; the record time is that of the picture.
Files are published as fast as possible, or in real time with --realtime, and end; cameras run until
SIGINT or SIGTERM, and a camera that is lost is connected to again. It needs ffmpeg: see ` + "`make ffmpeg`." + `
With --into DIR the pictures become images DIR/<stream>/<sequence>_<frame>.jpg to train on, one second of a stream per
sequence, and nothing is published.`

// film is what `produce` can be asked for with videos and cameras.
type film struct {
	options video.Options
	crops   []string
	into    string
}

func (f *film) add(flags *pflag.FlagSet) {
	o := &f.options
	flags.Float64Var(&o.FPS, "fps", 0, "videos and cameras: maximum frames per second of each; 0 for all")
	flags.StringArrayVar(&f.crops, "crop", nil, "videos and cameras (repeated): [CAMERA/]NAME=x,y,w,h publishes that region of the picture, in pixels, as stream CAMERA/NAME; all for x,y,w,h is the whole picture")
	flags.StringVar(&f.into, "into", "", "videos and cameras: write the pictures to this folder as images instead of publishing them")
	flags.BoolVar(&o.Realtime, "realtime", false, "videos: publish in real time")
	flags.DurationVar(&o.RetryFor, "retry-for", video.DefaultRetryFor, "cameras: how long a lost one is retried before it is given up")
}

// wanted reports whether the sources are videos and cameras.
func (f *film) wanted(sources []string) bool { return slices.ContainsFunc(sources, video.IsSource) }

// unwanted refuses flags of videos with other sources.
func (f *film) unwanted(c *cobra.Command) error {
	return refuse(c, "videos and cameras", "fps", "crop", "into", "realtime", "retry-for")
}

// refuse is a usage error where one of the flags was given.
func refuse(c *cobra.Command, whose string, flags ...string) error {
	for _, name := range flags {
		if c.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s is for %s only", name, whose)}
		}
	}
	return nil
}

// run publishes the cameras, and says at the end what became of each.
func (f *film) run(c *cobra.Command, p *production, sources []string) (err error) {
	if err := refuse(c, "scenes and images", "streams", "active", "dwell", "rate", "seed"); err != nil {
		return err
	}
	cameras, err := f.read(c, p, sources)
	if err != nil {
		return usageError{err}
	}
	ctx := c.Context()
	playback, err := video.Open(ctx, cameras, f.options)
	if err != nil {
		return err
	}
	if _, err := kafkaio.EnsureTopic(ctx, p.cluster, p.topic, p.partitions); err != nil {
		return err
	}
	producer, err := kafkaio.NewProducer(p.cluster, p.topic, "/cachenet/produce")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	sink := video.Sink{Publish: func(ctx context.Context, batch []schemas.Frame) error {
		err := producer.Publish(ctx, batch)
		if err == nil {
			p.sent.Add(int64(len(batch)))
		}
		return err
	}}
	if sink.MaxFrameBytes, err = producer.MaxImageBytes(ctx); err != nil {
		slog.Warn("the topic's record size limit is unknown; a frame above it will end the command", "error", err)
	}
	return f.play(c, p, cameras, playback, sink)
}

// play plays the cameras into the sink and tells how that went.
func (f *film) play(c *cobra.Command, p *production, cameras []video.Camera, playback *video.Playback, sink video.Sink) error {
	bar := newProgress(c.ErrOrStderr(), "frames")
	bar.start(p.sent.Load)
	summaries, err := playback.Play(c.Context(), sink)
	bar.stop()
	if err != nil {
		return err
	}
	return f.tell(c.Context(), c.ErrOrStderr(), cameras, summaries)
}

// read makes cameras and options of the flags.
func (f *film) read(c *cobra.Command, p *production, sources []string) ([]video.Camera, error) {
	cameras, err := video.Cameras(sources)
	if err != nil {
		return nil, fmt.Errorf("--source: %w", err)
	}
	for _, camera := range cameras {
		if camera.Exposed() {
			slog.Warn("a camera's credentials are visible in the process list: write the source into a file and give --source @FILE", "camera", camera.Name)
		}
	}
	if f.options.Regions, err = video.Regions(f.crops, cameras); err != nil {
		return nil, fmt.Errorf("--crop: %w", err)
	}
	if c.Flags().Changed("frames") {
		f.options.Frames = int64(p.schedule.Frames)
	}
	if p.partitions < 1 {
		return nil, fmt.Errorf("--partitions %d: at least 1", p.partitions)
	}
	return cameras, f.options.Validate()
}

// tell prints the summary. It is an error when a camera was given up, or when a file was stopped before its end.
func (f *film) tell(ctx context.Context, out io.Writer, cameras []video.Camera, summaries []video.Summary) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "camera\tframes\tgaps\tin gaps\trestarts\tdropped\ttoo large\tdamaged")
	var lost []error
	for _, s := range summaries {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%d\t%d\t%d\t%d\n", s.Camera, s.Frames, s.Gaps, s.Away.Round(100*time.Millisecond), s.Restarts, s.Dropped, s.TooLarge, s.Damaged)
		if s.GivenUp != nil {
			lost = append(lost, fmt.Errorf("%s: %w", s.Camera, s.GivenUp))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(lost) > 0 {
		return fmt.Errorf("%d of %d cameras given up: %w", len(lost), len(summaries), errors.Join(lost...))
	}
	if slices.ContainsFunc(cameras, func(c video.Camera) bool { return !c.Live }) {
		return ctx.Err()
	}
	return nil // a camera has no other end than a signal
}
