package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// played shows how far the simulations of a build are: a line for each step, with the frames and the speed so far, and one now and then
// during a long step.
type played struct {
	out    io.Writer
	start  time.Time
	frames atomic.Int64

	mu   sync.Mutex // of out and of what follows
	name string
	end  chan struct{}
	idle sync.WaitGroup
}

func newPlayed(out io.Writer) *played {
	p := &played{out: out, start: time.Now(), end: make(chan struct{})}
	p.idle.Go(func() {
		tick := time.NewTicker(plainEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.tell("… ")
			case <-p.end:
				return
			}
		}
	})
	return p
}

// step names what begins.
func (p *played) step(name string) {
	p.mu.Lock()
	p.name = name
	p.mu.Unlock()
	p.tell("")
}

func (p *played) tell(before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line, frames, took := before+p.name, float64(p.frames.Load()), time.Since(p.start)
	if frames > 0 {
		line += fmt.Sprintf(" (after %.0f s: %.1f million frames simulated, %.2f million/s)", took.Seconds(), frames/1e6, frames/1e6/took.Seconds())
	}
	fmt.Fprintln(p.out, line)
}

// stop ends the lines.
func (p *played) stop() {
	close(p.end)
	p.idle.Wait()
}
