package main

import (
	"fmt"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/transforms"
)

// cacheSummary is what a pack that a server offers cost.
type cacheSummary struct {
	Loads     int64 `json:"loads"`     // nets loaded into memory
	Evictions int64 `json:"evictions"` // nets that left for others
	Stalls    int64 `json:"stalls"`    // frames that missed because a net was not here
	Held      int64 `json:"held_bytes"`
	Fetched   int64 `json:"fetched"` // files that were downloaded
	Bytes     int64 `json:"fetched_bytes"`
	Cuts      int64 `json:"cuts"` // downloads that were cut, and continued
	Damaged   int64 `json:"damaged"`
}

func (s cacheSummary) String() string {
	text := fmt.Sprintf("%s downloads, %s, %s loads, %s evictions, %s frames missed because their net was not here; %s held",
		humanize.Comma(s.Fetched), humanize.IBytes(uint64(s.Bytes)), humanize.Comma(s.Loads), humanize.Comma(s.Evictions), humanize.Comma(s.Stalls), humanize.IBytes(uint64(s.Held)))
	if s.Cuts+s.Damaged > 0 {
		text += fmt.Sprintf("; %s downloads were cut, %s damaged", humanize.Comma(s.Cuts), humanize.Comma(s.Damaged))
	}
	return text
}

// cacheWatch follows the caches of a run's jobs.
type cacheWatch struct {
	mu   sync.Mutex
	jobs []*session.Session
}

func (w *cacheWatch) follow(job *session.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, job)
}

// summary sums over the run; nil where no server offered the pack.
func (w *cacheWatch) summary() *cacheSummary {
	w.mu.Lock()
	defer w.mu.Unlock()
	var s cacheSummary
	remote := false
	counted := map[*models.Sessions]bool{} // jobs share them
	for _, job := range w.jobs {
		if c, ok := packs.CountsOf(job); ok {
			remote = true
			s.Fetched, s.Bytes, s.Cuts, s.Damaged = c.Fetched, c.Bytes, c.Cuts, c.Damaged
		}
		if one, ok := transforms.SessionsOf(job); ok && !counted[one] {
			counted[one] = true
			c := one.Counts()
			s.Loads, s.Evictions, s.Stalls, s.Held = s.Loads+c.Loads, s.Evictions+c.Evictions, s.Stalls+c.Stalls, c.Held
		}
	}
	if !remote {
		return nil
	}
	return &s
}
