package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
)

// liveEvery is how often the live line is redrawn.
const liveEvery = time.Second

// reading is what is known of a run at one moment.
type reading struct {
	at             time.Time
	frames         int64 // with a row
	hits, misses   int64 // durable rows; repeated answers are hits
	lag            int64 // -1: unknown
	missesInFlight int64
	memory         int64 // resident, bytes; 0: unknown
}

// live says in one line how a run goes: what happened between the last two readings.
type live struct {
	last    reading
	hitRate string
	parts   []string // the most wanted first
}

// due reports whether it is time for another reading.
func (l *live) due(now time.Time) bool { return now.Sub(l.last.at) >= liveEvery }

// take makes the parts of the line from a reading.
func (l *live) take(r reading) {
	before := l.last
	l.last = r
	if before.at.IsZero() {
		return
	}
	parts := []string{fmt.Sprintf("%s/s", humanize.Comma(int64(float64(r.frames-before.frames)/r.at.Sub(before.at).Seconds())))}
	if hits, misses := r.hits-before.hits, r.misses-before.misses; hits+misses > 0 {
		l.hitRate = fmt.Sprintf("%.1f %% hits", 100*float64(hits)/float64(hits+misses))
	}
	if l.hitRate != "" {
		parts = append(parts, l.hitRate)
	}
	if r.lag >= 0 {
		parts = append(parts, "lag "+humanize.Comma(r.lag))
	}
	if r.missesInFlight > 0 {
		parts = append(parts, humanize.Comma(r.missesInFlight)+" misses in flight")
	}
	if r.memory > 0 {
		parts = append(parts, fmt.Sprintf("%d MB", r.memory>>20))
	}
	l.parts = parts
}

// line joins as many parts as there is room for, in characters.
func (l *live) line(room int) string {
	for n := len(l.parts); n > 0; n-- {
		for _, between := range []string{" · ", ", "} {
			if line := strings.Join(l.parts[:n], between); utf8.RuneCountInString(line) <= room {
				return line
			}
		}
	}
	return ""
}

// read looks at a job.
func read(job *session.Session, topic string, frames int64) reading {
	rows := parquetio.Written(job)
	r := reading{at: time.Now(), frames: frames, hits: rows.Hits + rows.Same, misses: rows.Misses, missesInFlight: job.MissesInFlight(), memory: resident()}
	var known bool
	if r.lag, known = kafkaio.Lag(job, topic); !known {
		r.lag = -1
	}
	return r
}

// resident is the memory of this process, 0 where the system does not tell.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
