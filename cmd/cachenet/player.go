package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync/atomic"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/connectors/frames"
	"github.com/cachenet/cachenet/schemas"
)

// player draws the frames of one stream as they are needed.
type player struct {
	stream string
	next   func() (frames.Frame, error, bool)
	stop   func()
}

// player returns stream i, from memory where it was rendered before.
func (p *production) player(i int) *player {
	stream := p.schedule.Stream(i)
	if p.rendered != nil {
		stream = inMemory(p.rendered[i])
	}
	next, stop := iter.Pull2(stream)
	return &player{stream: fmt.Sprintf("stream-%04d", i), next: next, stop: stop}
}

func inMemory(all []frames.Frame) iter.Seq2[frames.Frame, error] {
	return func(yield func(frames.Frame, error) bool) {
		for _, f := range all {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// render renders all frames ahead, so that publishing them takes no time from what is measured. done counts them.
func (p *production) render(ctx context.Context, done *atomic.Int64) error {
	rendered := make([][]frames.Frame, p.streams)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range rendered {
		g.Go(func() error {
			for f, err := range p.schedule.Stream(i) {
				if err := errors.Join(err, ctx.Err()); err != nil {
					return err
				}
				rendered[i] = append(rendered[i], f)
				done.Add(1)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.rendered = rendered
	return nil
}

// take appends up to n frames to batch, fewer when they are large, and returns their bytes.
func (p *player) take(n int, batch *[]schemas.Frame) (bytes int, err error) {
	for i := 0; i < n && bytes < chunkBytes; i++ {
		f, err, ok := p.next()
		if !ok || err != nil {
			return bytes, err
		}
		*batch = append(*batch, schemas.Frame{Stream: p.stream, Sequence: f.Sequence, ContentType: f.ContentType, Truth: f.Label, Image: f.Bytes})
		bytes += len(f.Bytes)
	}
	return bytes, nil
}

// addSchedule adds the flags that shape streams, with the command's own length and rate.
func addSchedule(f *pflag.FlagSet, p *production, streams, frames, dwell int, rate float64) {
	f.IntVar(&p.streams, "streams", streams, "streams")
	f.IntVar(&p.schedule.Frames, "frames", frames, "frames of each stream")
	f.IntVar(&p.schedule.Active, "active", 3, "classes that a stream shows at a time, 0 for all")
	f.IntVar(&p.schedule.Dwell, "dwell", dwell, "frames until a stream shows other classes, 0 for never")
	f.Float64Var(&p.rate, "rate", rate, "frames per second of each stream, 0 for as fast as possible")
	f.Uint64Var(&p.schedule.Seed, "seed", 1, "seed of the schedule: the same seed gives the same frames")
}
