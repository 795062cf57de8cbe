package evaluation

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// still is a recording of two cameras whose picture changes with the class that it shows, and of what nets say of it.
func still() (*Recording, *models.Pack) {
	t := synthetic(4, 6, 50, 0, 5)
	r := &Recording{table: t, streams: make([][]int, 2), truth: true}
	for i, tr := range t.tracks {
		for f := range tr.frames {
			row := tr.first + f
			g := policy.Glance{Seen: true, Sum: uint64(row)}
			g.Picture[9] = byte(20*tr.class + row%2) // noise
			t.glances = append(t.glances, g)
			r.streams[i%2] = append(r.streams[i%2], row)
		}
	}
	p := &models.Pack{Manifest: models.Manifest{Name: "synthetic", Version: "1", Specialists: []models.NetEntry{{SHA256: "small"}},
		Policy: policy.Settings{Kind: policy.Window, Score: policy.Confidence, Threshold: 0.8, Teacher: policy.Inline, Alpha: 0.1, Decay: 0.6, Capacity: 1, Share: 0.2}}}
	return r, p
}

func TestRepeatedAnswersSaveOnStillCameras(t *testing.T) {
	r, p := still()
	s, err := MeasureStill(t.Context(), p, r, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	full, ten := s.Rows[0], s.Rows[1]
	if full.Saved != 0 || full.Same != 0 || full.Loss != 0 || full.Full != 1 {
		t.Errorf("the full model on every frame: %+v", full)
	}
	if ten.Same < 0.3 || ten.Saved < 0.3 || ten.Saved > ten.Same || ten.Agreement < 0.9 {
		t.Errorf("with repeated answers: %+v", ten)
	}
	if text := s.Markdown(); strings.Contains(text, "%!") || strings.Count(text, "\n|") != 2+len(s.Rows) {
		t.Error(text)
	}
	for i := range r.table.glances { // pictures that cannot be seen
		r.table.glances[i].Seen = false
	}
	if s, err = MeasureStill(t.Context(), p, r, 1, 1); err != nil || s.Rows[1].Same != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestASavedRecordingPlaysAlike(t *testing.T) {
	r, p := still()
	p.Classes, p.Full = r.table.classes, r.table.nets[0].NetEntry
	p.Specialists = []models.NetEntry{r.table.nets[1].NetEntry}
	r.table.nets = r.table.nets[:2]
	var b bytes.Buffer
	if err := r.Save(&b, p); err != nil {
		t.Fatal(err)
	}
	bytesOf := slices.Clone(b.Bytes())
	again, err := LoadRecording(&b, p)
	if err != nil {
		t.Fatal(err)
	}
	want, err := MeasureStill(t.Context(), p, r, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := MeasureStill(t.Context(), p, again, 1, 1); err != nil || got.Markdown() != want.Markdown() {
		t.Errorf("%v, %v; before it was saved %v", got, err, want)
	}
	p.Version = "2"
	if _, err := LoadRecording(bytes.NewReader(bytesOf), p); err == nil || !strings.Contains(err.Error(), "synthetic@2") {
		t.Errorf("of another pack: %v", err)
	}
	if _, err := LoadRecording(bytes.NewReader(bytesOf[:9]), p); err == nil {
		t.Error("a cut file is read")
	}
}

func TestFactsBecomeATable(t *testing.T) {
	of := synthetic(10, 4, 20, 0, 6)
	f := Facts{Name: "facts", Labels: of.labels, Classes: 10, Policy: policy.Settings{Kind: policy.Window, Score: policy.Confidence, Threshold: 0.8, Teacher: policy.Inline, Alpha: 0.1, Decay: 0.6, Capacity: 1, Share: 0.2},
		Full: Answers{Logits: of.nets[0].logits, Us: 1000}, Small: Answers{Logits: of.nets[1].logits, Us: 30}}
	for i, tr := range of.tracks {
		part := &f.Tracks
		if i%2 == 0 {
			part = &f.Fit
		}
		*part = append(*part, Track{Class: tr.class, First: tr.first, Frames: tr.frames})
	}
	table, p, err := f.Table()
	if err != nil {
		t.Fatal(err)
	}
	m, err := MeasureTrust(t.Context(), p, table, 2, 0.02, 1)
	if err != nil || m.Speedup[0] < 1 || m.Pack != "facts@recorded" {
		t.Errorf("%+v, %v", m, err)
	}
	f.Small.Logits = f.Small.Logits[1:]
	if _, _, err := f.Table(); err == nil || !strings.Contains(err.Error(), "small net") {
		t.Errorf("a logit is missing: %v", err)
	}
}
