// Package video makes frames of video files and cameras: RTSP, MJPEG over HTTP, and whatever ffmpeg reads as a file.
//
// Each source has one long-lived ffmpeg, which writes JPEG pictures: as they come where the source is MJPEG, encoded
// otherwise, cut into regions on request. Each picture becomes a [schemas.Frame] whose key is the camera's name and whose
// record time is the start of the source plus the picture's presentation time. A live camera that is lost is connected
// to again; one that cannot be used is given up by itself, and the others go on.
package video

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
)

// Defaults of [Options].
const (
	DefaultMaxFrameBytes = 8 << 20
	DefaultRetryFor      = retry.Budget
	DefaultStall         = 20 * time.Second
)

// Options says how cameras are played. The zero value plays files as fast as their frames can be published, and
// live cameras until the context ends.
type Options struct {
	FFmpeg   string        // path of ffmpeg; empty: see [FindFFmpeg]
	Regions  []Region      // parts of the pictures to publish instead of the whole
	FPS      float64       // frames a second of a source's time, at most; 0: all
	Realtime bool          // files play at their own speed
	Frames   int64         // frames of each stream, at most; 0: all
	Stall    time.Duration // how long a live camera may send nothing before it counts as lost, default 20 s
	RetryFor time.Duration // how long a live camera may be away before it is given up, default 10 min
}

// Validate says whether cameras can be played so.
func (o Options) Validate() error {
	switch {
	case o.FPS < 0 || o.FPS > 1000:
		return fmt.Errorf("%g frames a second: choose more than 0 and at most 1000, or 0 for all", o.FPS)
	case o.Frames < 0:
		return fmt.Errorf("%d frames of each stream: choose 1 or more, or 0 for all", o.Frames)
	case o.Stall < 0 || o.RetryFor < 0:
		return fmt.Errorf("%s without a frame, %s without a camera: choose more than 0", o.Stall, o.RetryFor)
	}
	return nil
}

// Summary is what became of a camera.
type Summary struct {
	Camera   string
	Frames   int64         // published, of all its regions
	Gaps     int           // pauses far longer than its frames are apart, lost connections included
	Away     time.Duration // their total length
	Restarts int           // connections after the first that brought frames
	Dropped  int64         // frames left out because the brokers could not keep up
	TooLarge int64         // frames left out because they exceed Sink.MaxFrameBytes
	Damaged  int64         // packets left out because they are no JPEG picture
	GivenUp  error         // why the camera was given up; nil where it ended or was stopped
}

// Playback is cameras ready to be played, once.
type Playback struct{ players []*player }

// Open looks at every source that is no live camera, and returns an error where one cannot be played: no such file, no
// video, a codec that ffmpeg lacks, a region outside of the picture. Live cameras are first looked at in Play.
func Open(ctx context.Context, cameras []Camera, o Options) (*Playback, error) {
	if err := o.complete(ctx); err != nil {
		return nil, err
	}
	b := &Playback{}
	var faults []error
	for _, c := range cameras {
		p := newPlayer(c, o)
		b.players = append(b.players, p)
		if c.Live {
			continue
		}
		if err := p.look(ctx); err != nil {
			faults = append(faults, fmt.Errorf("source %s: %w", c, err))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return b, errors.Join(faults...)
}

// complete checks the options and fills in defaults.
func (o *Options) complete(ctx context.Context) (err error) {
	if err := o.Validate(); err != nil {
		return err
	}
	if o.RetryFor == 0 {
		o.RetryFor = DefaultRetryFor
	}
	if o.Stall == 0 {
		o.Stall = DefaultStall
	}
	if o.FFmpeg == "" {
		o.FFmpeg, err = FindFFmpeg(ctx)
	}
	return err
}

// Play publishes the cameras' frames until all of them have ended or are given up, or ctx ends. A fault of one camera
// ends that camera alone: see Summary.GivenUp. An error of the sink ends everything. When ctx ends, frames that
// were read are still published, and Play returns no error for that.
func (b *Playback) Play(ctx context.Context, to Sink) ([]Summary, error) {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	limit := to.MaxFrameBytes
	if limit == 0 {
		limit = DefaultMaxFrameBytes
	}
	q := newQueue()
	var running sync.WaitGroup
	for _, p := range b.players {
		p.limit = limit
		running.Go(func() { p.run(playing, q) })
	}
	go func() {
		running.Wait()
		close(q.frames)
	}()
	err := q.drain(ctx, to.Publish)
	stop()
	running.Wait()
	summaries := make([]Summary, len(b.players))
	for i, p := range b.players {
		summaries[i] = p.summary()
	}
	return summaries, err
}
