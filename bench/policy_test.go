package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cachenet/cachenet/models/policy"
)

var update = flag.Bool("update", false, "rewrite the policy's decisions")

// decisionsFile holds what the Go policy decides; the test of its Python port reads it too.
const decisionsFile = "peers/tests/decisions.json"

// playedCase is a policy, frames of three streams in turn, and what it decides about them.
type playedCase struct {
	Name            string          `json:"name"`
	Settings        policy.Settings `json:"settings"`
	Classes         int             `json:"classes"`
	Temperature     float32         `json:"temperature"`
	FullTemperature float32         `json:"full_temperature"`
	Frames          []playedFrame   `json:"frames"`
}

type playedFrame struct {
	Stream     int       `json:"stream"`
	Small      []float32 `json:"small"` // logits
	Full       []float32 `json:"full"`  // logits
	Class      int       `json:"class"`
	Hit        bool      `json:"hit"`
	Confidence float32   `json:"confidence"`
}

// The peers follow the same policy only while this file matches what the policy decides today.
func TestDecisionsFileIsThePolicys(t *testing.T) {
	var all []playedCase
	for name, s := range map[string]policy.Settings{
		"1 shared":         {Alpha: 0.03, Decay: 0.5, Threshold: 0.68, Share: 0.25},
		"2 always trusted": {Alpha: 0.2, Decay: 0.8, Threshold: 0.8},
		"3 two windows":    {Alpha: 0.3, Decay: 0.88, Threshold: 0.71, Share: 0.02, Slow: 0.95},
		"4 sure hits":      {Alpha: 0.3, Decay: 0.9, Threshold: 0.6, Share: 0.12, Trust: 0.8},
		"5 no prior":       {Alpha: 1, Decay: 0.5, Threshold: 0.75},
	} {
		s.Kind, s.Score, s.Teacher, s.Capacity = policy.Window, policy.Confidence, policy.Inline, 1
		all = append(all, play(t, name, s))
	}
	slices.SortFunc(all, func(a, b playedCase) int { return strings.Compare(a.Name, b.Name) })
	if *update {
		writeCases(t, all)
	}
	b, err := os.ReadFile(decisionsFile)
	if err != nil {
		t.Fatal(err)
	}
	var kept []playedCase
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(kept, all, cmpopts.EquateApprox(0, 1e-5)); d != "" {
		t.Errorf("%s differs from what the policy decides: run go test ./bench -run Decisions -update, then check that the peers' port still agrees (make test-peers)\n%s", decisionsFile, d)
	}
}

// writeCases writes one case per line.
func writeCases(t *testing.T, all []playedCase) {
	var lines [][]byte
	for _, c := range all {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	b := slices.Concat([]byte("[\n"), bytes.Join(lines, []byte(",\n")), []byte("\n]\n"))
	if err := os.WriteFile(decisionsFile, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// play generates frames on which hits, misses and changes of class are all frequent.
func play(t *testing.T, name string, s policy.Settings) playedCase {
	rng := rand.New(rand.NewPCG(7, uint64(name[0])))
	c := playedCase{Name: name, Settings: s, Classes: 5, Temperature: 0.7, FullTemperature: 0.6}
	p := &policy.Policy{Settings: s, Classes: c.Classes, FullTemperature: c.FullTemperature, Specialists: []policy.Specialist{{Temperature: c.Temperature}}}
	if err := s.Validate(1, false); err != nil {
		t.Fatal(err)
	}
	states, shown := [3]policy.State{}, [3]int{}
	hits := 0
	for range 80 {
		stream := rng.IntN(3)
		if rng.Float64() < 0.1 {
			shown[stream] = rng.IntN(c.Classes)
		}
		f := playedFrame{Stream: stream, Small: logits(rng, c.Classes, shown[stream], 1.5), Full: logits(rng, c.Classes, shown[stream], 3)}
		d, err := p.Decide(&states[stream], given{f}, true)
		if err != nil {
			t.Fatal(err)
		}
		f.Class, f.Hit, f.Confidence = d.Class, d.Hit, round(d.Confidence, 1e6)
		hits += one(d.Hit)
		c.Frames = append(c.Frames, f)
	}
	if hits < 10 || hits > 70 {
		t.Errorf("%s: %d hits of 80 frames: too few or too many to compare anything", name, hits)
	}
	return c
}

// given are nets that return the logits stored with a frame.
type given struct{ frame playedFrame }

func (g given) Specialist(int) ([]float32, error) { return g.frame.Small, nil }
func (g given) Selector() ([]float32, error)      { return nil, os.ErrInvalid }
func (g given) Full() ([]float32, error)          { return g.frame.Full, nil }

func logits(rng *rand.Rand, n, class int, margin float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = round(float32(rng.NormFloat64()), 100)
	}
	v[class] = round(v[class]+float32(margin), 100)
	return v
}

func round(v float32, steps float64) float32 {
	return float32(math.Round(float64(v)*steps) / steps)
}
