package video

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Waits between attempts to reach a live camera; they double from the first to the last.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = 30 * time.Second
)

var (
	errComplete = errors.New("every stream has its frames")
	errClosed   = errors.New("it closed the connection")
)

// player plays one camera.
type player struct {
	encoder
	o       Options
	picture picture

	mu      sync.Mutex
	streams []*stream // one a region, or one for the whole picture
	seen    time.Time // when the last frame came
	tally   Summary
}

// stream is what one camera, or one region of it, has published.
type stream struct {
	name   string
	frames int64
	clock  clock
	gaps   gaps
}

func newPlayer(c Camera, o Options) *player {
	p := &player{encoder: encoder{ffmpeg: o.FFmpeg, camera: c, regions: of(o.Regions, c), fps: o.FPS, stall: o.Stall}, o: o}
	p.tally.Camera = c.Name
	names := []string{c.Name}
	if len(p.regions) > 0 {
		names = nil
	}
	for _, r := range p.regions {
		names = append(names, c.Name+"/"+r.Name)
	}
	for _, name := range names {
		p.streams = append(p.streams, &stream{name: name, clock: clock{live: c.Live}})
	}
	return p
}

// look finds out what the source shows, and whether the regions lie in it.
func (p *player) look(ctx context.Context) (err error) {
	if p.picture, err = p.probe(ctx); err != nil {
		return err
	}
	for _, r := range p.regions {
		if err := r.check(p.picture.width, p.picture.height); err != nil {
			return err
		}
	}
	return nil
}

// run plays the camera until it ends, is given up, or ctx ends.
func (p *player) run(ctx context.Context, q *queue) {
	var err error
	if p.camera.Live {
		err = p.keepUp(ctx, q)
	} else {
		err = p.once(ctx, q)
	}
	if err != nil && ctx.Err() == nil {
		p.tally.GivenUp = err
		slog.Error("camera given up; the others go on", "camera", p.camera.Name, "error", err)
	}
}

// once plays a source that ends.
func (p *player) once(ctx context.Context, q *queue) error {
	begin := time.Now()
	if !p.o.Realtime { // as if it had just ended: no record is of the future
		begin = begin.Add(-p.picture.length)
	}
	for _, s := range p.streams {
		s.clock.start, s.clock.last = begin, begin.Add(-time.Hour)
	}
	return p.connect(ctx, q)
}

// keepUp plays a live camera, and connects to it again when it is lost.
func (p *player) keepUp(ctx context.Context, q *queue) error {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval, waits.Multiplier = firstWait, lastWait, 2
	waits.Reset()
	p.seen = time.Now()
	for {
		before := p.seen
		err := p.look(ctx)
		if err == nil {
			err = p.connect(ctx, q)
		}
		if err == nil || ctx.Err() != nil || errors.As(err, new(final)) {
			return err
		}
		if p.seen != before {
			waits.Reset()
		}
		away := time.Since(p.seen)
		if p.o.RetryFor > 0 && away > p.o.RetryFor {
			return fmt.Errorf("%w; nothing came from it for %s", err, away.Round(time.Second))
		}
		wait := waits.NextBackOff()
		slog.Warn("camera lost; trying again", "camera", p.camera.Name, "error", err, "in", wait.Round(time.Millisecond))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// summary is called when the player has ended.
func (p *player) summary() Summary {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.streams {
		p.tally.Gaps = max(p.tally.Gaps, s.gaps.count)
		p.tally.Away = max(p.tally.Away, s.gaps.total)
	}
	return p.tally
}
