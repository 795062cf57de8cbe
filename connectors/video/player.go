package video

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
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
	limit   int // bytes of a frame

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
		slog.Error("camera given up; the others continue", "camera", p.camera.Name, "error", err)
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
	p.seen = time.Now()
	away := retry.Outage{
		For:    p.o.RetryFor,
		Passes: func(err error) bool { return !errors.As(err, new(final)) },
		Began: func(err error) {
			slog.Warn("camera cannot be reached; retrying", "camera", p.camera.Name, "error", err)
		},
	}
	for {
		complete := false
		err := retry.Do(ctx, away, func() (err error) {
			before := p.seen
			if err = p.look(ctx); err == nil {
				err = p.connect(ctx, q)
			}
			complete = err == nil
			if complete || ctx.Err() != nil || errors.As(err, new(final)) || p.seen.Equal(before) {
				return err
			}
			slog.Warn("camera lost; reconnecting", "camera", p.camera.Name, "error", err)
			return nil // it was there: what follows is another outage
		})
		switch {
		case err == nil && !complete:
			continue
		case err != nil && !errors.As(err, new(final)):
			return fmt.Errorf("%w; no data for %s", err, time.Since(p.seen).Round(time.Second))
		}
		return err
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
