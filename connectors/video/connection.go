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
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/schemas"
)

// connection is one run of ffmpeg.
type connection struct {
	*player
	queue    *queue
	proc     *process
	cancel   context.CancelCauseFunc
	watchdog *time.Timer // nil for sources that end
	first    bool        // no frame of it has come yet
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
	case errors.Is(cause, errComplete):
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

// shot is a packet that has arrived.
type shot struct {
	packet
	image   []byte // nil where it is to be left out
	arrived time.Time
}

// read publishes what comes from output i. ffmpeg holds the first packets of a live source until it knows the source, and
// then writes them at once: read holds them until packets arrive at the pace of their times, and then knows when they were taken.
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
	var burst []shot
	settled := !c.camera.Live
	for {
		now, err := c.next(x, data)
		if err == nil {
			burst = append(burst, now)
			if c.camera.Live {
				moved := s.clock.observe(now.packet, now.arrived)
				settled = settled || !now.timed || len(burst) > 1 && moved < settledMove || len(burst) == maxBurst
			}
			if !settled {
				continue
			}
		}
		for _, b := range burst {
			if err := c.show(ctx, s, &keep, b); err != nil {
				return err
			}
		}
		burst = burst[:0]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // inside of a packet, where ffmpeg was killed
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// A live source is settled when a packet is ahead of those before it by less than settledMove, or when maxBurst of them
// have come.
const (
	settledMove = 10 * time.Millisecond
	maxBurst    = 300
)

// next reads the next packet.
func (c *connection) next(x *index, data io.Reader) (shot, error) {
	p, err := x.next()
	if err != nil {
		return shot{}, err
	}
	if c.watchdog != nil {
		c.watchdog.Reset(c.stall)
	}
	p.timed = p.timed && !c.wallClock(c.picture)
	now := shot{packet: p, arrived: time.Now()}
	now.image, err = c.take(data, p.size)
	return now, err
}

// show publishes a packet, unless it is to be left out.
func (c *connection) show(ctx context.Context, s *stream, keep *thin, b shot) error {
	record := s.clock.stamp(b.packet, b.arrived)
	since := record.Sub(s.clock.start)
	if s.clock.start.IsZero() {
		since = record.Sub(time.Unix(0, 0))
	}
	if b.image == nil || !keep.pass(since) {
		return nil
	}
	return c.publish(ctx, s, record, b.image)
}

// take reads a packet; nil where it is to be left out.
func (c *connection) take(data io.Reader, size int) ([]byte, error) {
	if size > c.limit {
		if c.count(&c.tally.TooLarge) == 1 {
			slog.Warn("frame skipped: it exceeds the size limit", "camera", c.camera.Name, "bytes", size, "limit", c.limit)
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
			slog.Warn("packet skipped: it is not a JPEG picture", "camera", c.camera.Name, "bytes", size)
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
				slog.Warn("frame dropped: the brokers cannot keep up", "camera", c.camera.Name)
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
	return retry.Pause(ctx, time.Until(due))
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
