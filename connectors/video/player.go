package video

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/schemas"
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

// connect runs one ffmpeg to its end. It returns nil when the source has ended or every stream has its frames.
func (p *player) connect(ctx context.Context, q *queue) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	args, stdin := p.args(p.picture)
	proc, err := start(ctx, p.ffmpeg, p.camera, args, stdin, 2*len(p.streams))
	if err != nil {
		return err
	}
	c := &connection{player: p, queue: q, proc: proc, cancel: cancel, first: true}
	if p.camera.Live {
		c.watchdog = time.AfterFunc(p.stall, func() { cancel(fmt.Errorf("it sent nothing for %s", p.stall)) })
		defer c.watchdog.Stop()
	}
	var g errgroup.Group
	for i := range p.streams {
		g.Go(func() error {
			err := c.read(ctx, i)
			if err != nil {
				cancel(err)
			}
			return err
		})
	}
	err = g.Wait()
	ended := proc.wait()
	switch cause := context.Cause(ctx); {
	case cause == errComplete:
		return nil
	case cause != nil:
		return cause
	case err != nil:
		return err
	case ended != nil:
		return ended
	case p.camera.Live:
		return errClosed
	}
	return nil
}

// connection is one run of ffmpeg.
type connection struct {
	*player
	queue    *queue
	proc     *process
	cancel   context.CancelCauseFunc
	watchdog *time.Timer // nil for sources that end
	first    bool        // no frame of it has come yet
}

// read publishes what comes from output i.
func (c *connection) read(ctx context.Context, i int) error {
	s := c.streams[i]
	if c.camera.Live {
		s.clock.restart()
	}
	keep := thin{}
	if c.copies(c.picture) { // otherwise ffmpeg thins them out before it encodes
		keep.fps = c.fps
	}
	x, data := &index{lines: bufio.NewReader(c.proc.pipes[2*i])}, c.proc.pipes[2*i+1]
	for {
		at, err := x.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		now := time.Now()
		if c.watchdog != nil {
			c.watchdog.Reset(c.stall)
		}
		image, err := c.take(data, at.size)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil // ffmpeg ended between an index line and its packet: proc.wait says why
		}
		if err != nil {
			return err
		}
		if c.wallClock(c.picture) {
			at.timed = false
		}
		record := s.clock.stamp(at, now)
		if image == nil || !keep.pass(record.Sub(c.origin(s))) {
			continue
		}
		if err := c.publish(ctx, s, record, image); err != nil {
			return err
		}
	}
}

// origin is what frames to keep are counted from.
func (c *connection) origin(s *stream) time.Time {
	if !s.clock.start.IsZero() {
		return s.clock.start
	}
	return time.Unix(0, 0)
}

// take reads a packet; nil where it is to be left out.
func (c *connection) take(data io.Reader, size int) ([]byte, error) {
	if size > c.o.MaxFrameBytes {
		if c.count(&c.tally.TooLarge) == 1 {
			slog.Warn("frame left out: it exceeds the limit", "camera", c.camera.Name, "bytes", size, "limit", c.o.MaxFrameBytes)
		}
		_, err := io.CopyN(io.Discard, data, int64(size))
		return nil, err
	}
	image := make([]byte, size)
	if _, err := io.ReadFull(data, image); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(image, []byte{0xff, 0xd8}) {
		if c.count(&c.tally.Damaged) == 1 {
			slog.Warn("packet left out: it is no JPEG picture", "camera", c.camera.Name, "bytes", size)
		}
		return nil, nil
	}
	return image, nil
}

func (p *player) count(n *int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n++
	return *n
}

// publish queues a frame: a file waits for room, a live camera does not.
func (c *connection) publish(ctx context.Context, s *stream, record time.Time, image []byte) error {
	if c.o.Frames > 0 && s.frames >= c.o.Frames {
		return nil // another region of this camera has not all of its frames yet
	}
	f := schemas.Frame{Stream: s.name, Sequence: s.frames, EventTime: record, ContentType: schemas.JPEG, Image: image}
	if c.camera.Live {
		if !c.queue.offer(f) {
			if c.count(&c.tally.Dropped) == 1 {
				slog.Warn("frame dropped: the brokers do not keep up", "camera", c.camera.Name)
			}
			c.mark(s, record, 0)
			return nil
		}
	} else {
		if err := c.pace(ctx, record); err != nil {
			return err
		}
		if err := c.queue.put(ctx, f); err != nil {
			return err
		}
	}
	c.mark(s, record, 1)
	if c.complete() {
		c.cancel(errComplete)
		return errComplete
	}
	return nil
}

// pace waits until a frame of a file is due.
func (c *connection) pace(ctx context.Context, due time.Time) error {
	if !c.o.Realtime {
		return nil
	}
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// mark counts n frames of a stream at a time.
func (c *connection) mark(s *stream, at time.Time, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.frames += n
	c.tally.Frames += n
	s.gaps.see(at)
	if c.first {
		c.first = false
		if !c.seen.IsZero() && c.tally.Frames > n {
			c.tally.Restarts++
			slog.Warn("camera is back", "camera", c.camera.Name, "after", time.Since(c.seen).Round(time.Millisecond))
		}
	}
	c.seen = time.Now()
}

// complete reports whether every stream has as many frames as were asked for.
func (c *connection) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.o.Frames > 0 && !slices.ContainsFunc(c.streams, func(s *stream) bool { return s.frames < c.o.Frames })
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
