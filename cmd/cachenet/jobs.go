package main

import (
	"fmt"
	"slices"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/transforms"
)

// jobs adds up what the jobs of a run did. It holds on to the last one only, so that a run may have any number of them.
type jobs struct {
	mu     sync.Mutex
	last   *session.Session
	before int64                // frames that were done before the first one
	uplink kafkaio.UplinkCounts // of the jobs before the last
	served bool                 // one of those had a server
	nets   []*models.Sessions   // of the jobs before the last, which share them unless the pack was reloaded
}

// follow makes job the last one.
func (j *jobs) follow(job *session.Session) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.last == nil {
		j.before = job.Progress()
	} else {
		j.uplink, j.served, j.nets = j.sum()
	}
	j.last = job
}

// sum adds the last job to those before it; the caller holds the mutex.
func (j *jobs) sum() (uplink kafkaio.UplinkCounts, server bool, nets []*models.Sessions) {
	uplink, server, nets = j.uplink, j.served, j.nets
	if c, ok := kafkaio.Uplink(j.last); ok {
		uplink.Merge(c)
		server = true
	}
	if n, ok := transforms.SessionsOf(j.last); ok && !slices.Contains(nets, n) {
		nets = append(nets, n)
	}
	return uplink, server, nets
}

// server returns what passed between the device and its server; nil where there is none.
func (j *jobs) server() *kafkaio.UplinkCounts {
	j.mu.Lock()
	defer j.mu.Unlock()
	uplink, ok, _ := j.sum()
	if !ok {
		return nil
	}
	return &uplink
}

// cache returns what the pack's cache did; nil where no server offers the pack.
func (j *jobs) cache() *cacheSummary {
	j.mu.Lock()
	defer j.mu.Unlock()
	d, ok := packs.CountsOf(j.last) // of all jobs: they share it
	if !ok {
		return nil
	}
	s := cacheSummary{Fetched: d.Fetched, Bytes: d.Bytes, Cuts: d.Cuts, Damaged: d.Damaged}
	_, _, nets := j.sum()
	for _, n := range nets {
		c := n.Counts()
		s.Loads, s.Evictions, s.Stalls, s.Held = s.Loads+c.Loads, s.Evictions+c.Evictions, s.Stalls+c.Stalls, c.Held
	}
	return &s
}

// rows counts the frames of a topic that got their rows, those that other processes wrote included.
func (j *jobs) rows(topic string) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := -j.before
	for _, offsets := range j.last.DurableOffsets(topic) {
		n += offsets.Count()
	}
	return n
}

// cacheSummary is what the cache of a pack that a server offers did.
type cacheSummary struct {
	Loads     int64 `json:"loads"`      // nets loaded into memory
	Evictions int64 `json:"evictions"`  // nets that left for others
	Stalls    int64 `json:"stalls"`     // frames that missed because a net was not here
	Held      int64 `json:"held_bytes"` // of nets in memory now
	Fetched   int64 `json:"fetched"`    // files that were downloaded
	Bytes     int64 `json:"fetched_bytes"`
	Cuts      int64 `json:"cuts"`    // downloads that were cut, and continued
	Damaged   int64 `json:"damaged"` // downloads whose sha256 was wrong
}

func (s cacheSummary) String() string {
	text := fmt.Sprintf("%s downloads, %s, %s loads, %s evictions, %s frames missed because their net was not here; %s held",
		humanize.Comma(s.Fetched), humanize.IBytes(uint64(s.Bytes)), humanize.Comma(s.Loads), humanize.Comma(s.Evictions), humanize.Comma(s.Stalls), humanize.IBytes(uint64(s.Held)))
	if s.Cuts+s.Damaged > 0 {
		text += fmt.Sprintf("; %s downloads were cut, %s damaged", humanize.Comma(s.Cuts), humanize.Comma(s.Damaged))
	}
	return text
}
