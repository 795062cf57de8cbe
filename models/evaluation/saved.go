package evaluation

import (
	"encoding/gob"
	"fmt"
	"io"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// savedRecording is a Recording as it is written: running large nets over video takes minutes, playing policies over what
// they said takes seconds.
type savedRecording struct {
	Pack    string // id
	Labels  []int
	Tracks  []Track
	Glances []policy.Glance
	Glance  float64
	Logits  [][]float32 // of each net
	Us      []float64
	Decode  []float64
	View    []int
	Streams [][]int
	Truth   bool
}

// Save writes the recording of the pack's nets.
func (r *Recording) Save(w io.Writer, p *models.Pack) error {
	t := r.table
	if t.ranked {
		return fmt.Errorf("write recording: of %d classes or more only distributions are kept", policy.ManyClasses)
	}
	s := savedRecording{Pack: p.ID(), Labels: t.labels, Glances: t.glances, Glance: t.glance, Streams: r.streams, Truth: r.truth}
	for _, tr := range t.tracks {
		s.Tracks = append(s.Tracks, Track{Class: tr.class, First: tr.first, Frames: tr.frames})
	}
	for i := range t.nets {
		c := &t.nets[i]
		s.Logits, s.Us, s.Decode, s.View = append(s.Logits, c.logits), append(s.Us, c.us), append(s.Decode, c.decode), append(s.View, c.view)
	}
	return gob.NewEncoder(w).Encode(s)
}

// LoadRecording reads what Save wrote of the same pack.
func LoadRecording(from io.Reader, p *models.Pack) (*Recording, error) {
	var s savedRecording
	if err := gob.NewDecoder(from).Decode(&s); err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	nets := packNets(p)
	if s.Pack != p.ID() || len(s.Logits) != len(nets.All) {
		return nil, fmt.Errorf("read recording: it is of pack %s, not of %s: remove the file", s.Pack, p.ID())
	}
	t := &Table{classes: nets.Classes, labels: s.Labels, tracks: tracksOf(s.Tracks), glances: s.Glances, glance: s.Glance}
	for i, e := range nets.All {
		t.nets = append(t.nets, column{Net: e, outputs: e.Outputs(len(t.classes)), logits: s.Logits[i], us: s.Us[i], decode: s.Decode[i], view: s.View[i]})
	}
	t.finish()
	r := &Recording{table: t, streams: s.Streams, truth: s.Truth}
	r.cameras()
	return r, t.settle()
}

// Table returns the frames of the recording with their answers, to draw streams from.
func (r *Recording) Table() *Table { return r.table }
