package main

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/cachenet/cachenet/connectors/session"
)

// spinnerRoom is what the spinner takes of a line, with a blank on each side.
const spinnerRoom = 3

// plainEvery is how often progress is printed without a terminal.
const plainEvery = 10 * time.Second

// progress shows how far a stretch of work has come: a bar on a terminal, now and then a line elsewhere.
type progress struct {
	out   io.Writer
	what  string
	total int64  // 0: unknown
	topic string // that the followed run reads; empty: no live line
	share bool   // the rows between two jobs of the followed run are those of other processes

	mu     sync.Mutex
	job    *session.Session // whose rows are shown, see follow
	before int64            // what was done before the first one
	done   func() int64
	live   live

	end  chan struct{}
	idle sync.WaitGroup
}

func newProgress(out io.Writer, what string) *progress {
	return &progress{out: out, what: what, done: func() int64 { return 0 }, end: make(chan struct{})}
}

// follow shows how many frames of a run have rows. It may be called again for each later job of the run: what an earlier
// one lost and this one does again counts once.
func (p *progress) follow(job *session.Session) {
	p.mu.Lock()
	first := p.job == nil
	if first {
		p.before = job.Progress() // of earlier runs
	} else if p.share {
		p.before += job.Progress() - p.job.Progress()
	}
	p.job = job
	p.mu.Unlock()
	if first {
		p.start(p.rows)
	}
}

// followed reports whether frames began to flow.
func (p *progress) followed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.job != nil
}

// rows is how many rows the followed run has.
func (p *progress) rows() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.job == nil {
		return 0
	}
	return p.job.Progress() - p.before
}

// count is how much is done.
func (p *progress) count() int64 {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	return done()
}

// status is the live line of the followed run, in so many characters at most.
func (p *progress) status(room int) string {
	rows := p.rows()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.job != nil && p.topic != "" && p.live.due(time.Now()) {
		p.live.take(read(p.job, p.topic, rows))
	}
	return p.live.line(room)
}

// start begins to show what done returns.
func (p *progress) start(done func() int64) {
	p.mu.Lock()
	p.done = done
	p.mu.Unlock()
	p.idle.Add(1)
	if f, ok := p.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) && logsJSON() == nil {
		go p.bar()
	} else {
		go p.lines()
	}
}

// stop ends the display with the final figure.
func (p *progress) stop() {
	close(p.end)
	p.idle.Wait()
}

func (p *progress) bar() {
	defer p.idle.Done()
	pool := mpb.New(mpb.WithOutput(p.out), mpb.WithWidth(78))
	left := []decor.Decorator{decor.Name(p.what, decor.WCSyncSpaceR), decor.CurrentNoUnit(" %d")}
	var b *mpb.Bar
	if p.total > 0 {
		b = pool.AddBar(p.total, mpb.PrependDecorators(left...), mpb.AppendDecorators(decor.Percentage()))
	} else {
		b = pool.AddSpinner(0, mpb.BarWidth(1), mpb.PrependDecorators(left...),
			mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string { return p.status(s.AvailableWidth - spinnerRoom) })))
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.SetCurrent(p.count())
		case <-p.end:
			b.SetCurrent(p.count())
			if p.total > 0 {
				b.EnableTriggerComplete() // without a total it would show 0
			}
			b.Abort(false)
			pool.Wait()
			return
		}
	}
}

func (p *progress) lines() {
	defer p.idle.Done()
	tick := time.NewTicker(plainEvery)
	defer tick.Stop()
	start := time.Now()
	told := int64(0)
	tell := func() {
		told = p.count()
		seconds := math.Round(time.Since(start).Seconds())
		if !record(slog.LevelInfo, "progress", p.what, told, "seconds", seconds) {
			fmt.Fprintf(p.out, "%s: %d after %.0f s\n", p.what, told, seconds)
		}
	}
	for {
		select {
		case <-tick.C:
			tell()
		case <-p.end:
			if p.count() != told { // an error may follow: "0" before it says nothing
				tell()
			}
			return
		}
	}
}
