package main

import (
	"fmt"
	"iter"

	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/frames"
	"github.com/cachenet/cachenet/schemas"
)

// player draws the frames of one stream as they are needed.
type player struct {
	stream string
	next   func() (frames.Frame, error, bool)
	stop   func()
}

func newPlayer(s frames.Schedule, i int) *player {
	next, stop := iter.Pull2(s.Stream(i))
	return &player{stream: fmt.Sprintf("stream-%04d", i), next: next, stop: stop}
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
func addSchedule(f *pflag.FlagSet, p *production, frames int, rate float64) {
	f.IntVar(&p.streams, "streams", 48, "streams")
	f.IntVar(&p.schedule.Frames, "frames", frames, "frames of each stream")
	f.IntVar(&p.schedule.Active, "active", 3, "classes that a stream shows at a time, 0 for all")
	f.IntVar(&p.schedule.Dwell, "dwell", 150, "frames until a stream shows other classes, 0 for never")
	f.Float64Var(&p.rate, "rate", rate, "frames per second of each stream, 0 for as fast as it goes")
	f.Uint64Var(&p.schedule.Seed, "seed", 1, "gives the same frames again")
}
