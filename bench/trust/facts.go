package main

import (
	"compress/gzip"
	"encoding/gob"
	"fmt"
	"os"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/models/policy"
)

// facts are those parts of what bench/edge recorded that policies are played over.
type facts struct {
	Name         string
	Classes      int
	Labels       []int
	Tune, Report []evaluation.Track
	Small, Full  answers
	Forms        []struct{ Full []int16 } // the first is the frame as it is
	Window       policy.Settings
}

type answers struct {
	Logits []int16 // in 1/logitScale
	Us     float64
}

const logitScale = 256

// readFacts reads what make bench-edge-facts wrote.
func readFacts(path string) (*evaluation.Table, *models.Pack, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	var in facts
	if err := gob.NewDecoder(z).Decode(&in); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	in.Window.Teacher = policy.Inline // bench/edge leaves it open: there the full model is on a server
	full := in.Full.Logits
	if len(in.Forms) > 0 {
		full = in.Forms[0].Full
	}
	return evaluation.Facts{
		Name: in.Name, Labels: in.Labels, Classes: in.Classes, Fit: in.Tune, Tracks: in.Report, Policy: in.Window,
		Full: evaluation.Answers{Logits: scaled(full), Us: in.Full.Us}, Small: evaluation.Answers{Logits: scaled(in.Small.Logits), Us: in.Small.Us},
	}.Table()
}

func scaled(logits []int16) []float32 {
	out := make([]float32, len(logits))
	for i, l := range logits {
		out[i] = float32(l) / logitScale
	}
	return out
}
