package main

import (
	"compress/gzip"
	"encoding/gob"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/models/policy"
)

// netFacts holds the outputs of one net for every frame, and its times on this machine.
type netFacts struct {
	Classes     []int // label of each output; nil: all classes in order
	Other       bool
	Outputs     int
	Logits      []int16 // Outputs for each frame, in 1/logitScale
	Temperature float64
	Us          float64 // batch of one, one thread
	Us16        float64 // batch of 16
	FileBytes   int
}

// formFacts is one form in which a frame may be sent to the server.
type formFacts struct {
	Name     string
	Bytes    []int32 // of each frame
	EncodeUs float64 // on the device, at factor 1, beyond decoding for the small net
	DecodeUs float64 // on the server
	Full     []int16 // logits of the full model on this form
}

// facts is every measured input of the simulation.
type facts struct {
	Name, Source string
	Classes      int
	Labels       []int
	Tune, Report []evaluation.Track // disjoint sequences: settings are tuned on the first, figures come from the second
	Small        netFacts
	Selector     netFacts
	Paper        []netFacts // specialists of the paper's protocol
	Full         netFacts   // Logits are those of Forms[0]
	Forms        []formFacts
	DecodeUs     float64          // JPEG to the nets' input, on the device at factor 1
	Window       policy.Settings  // of the window's policy
	PaperPolicy  *policy.Settings // of the paper's protocol, where the pack has it

	small, rawSmall, selector [][]float32 // distributions
	paper                     [][][]float32
	full                      [][][]float32 // of each form
	tracks                    []int         // the sequence of each frame
	best                      []int         // the full model's answer to the frame as it is
}

const logitScale = 256

func quantise(logits []float32) []int16 {
	out := make([]int16, len(logits))
	for i, l := range logits {
		out[i] = int16(max(-32768, min(32767, math.Round(float64(l)*logitScale))))
	}
	return out
}

// distributions turns logits into one distribution for each frame.
func distributions(logits []int16, outputs int, temperature float64) ([][]float32, error) {
	n := len(logits) / outputs
	all := make([][]float32, n)
	row := make([]float32, outputs)
	for i := range n {
		for o := range row {
			row[o] = float32(logits[i*outputs+o]) / logitScale
		}
		p, err := policy.Probabilities(row, float32(temperature))
		if err != nil {
			return nil, err
		}
		all[i] = p
	}
	return all, nil
}

// prepare fits temperatures on the tuning part and computes the distributions.
func (f *facts) prepare() (err error) {
	f.Full.Us16 = min(f.Full.Us16, serverBatch*f.Full.Us) // on a busy machine a long call is never undisturbed
	rows := rowsOf(f.Tune)
	for _, n := range []*netFacts{&f.Small, &f.Selector, &f.Full} {
		n.Temperature = fitTemperature(n.Logits, n.Outputs, f.Labels, rows)
	}
	for i := range f.Paper {
		n := &f.Paper[i]
		n.Temperature = fitTemperature(n.Logits, n.Outputs, relabel(f.Labels, n.Classes), rows)
		p, err := distributions(n.Logits, n.Outputs, n.Temperature)
		if err != nil {
			return err
		}
		f.paper = append(f.paper, p)
	}
	if f.small, err = distributions(f.Small.Logits, f.Classes, f.Small.Temperature); err != nil {
		return err
	}
	if f.rawSmall, err = distributions(f.Small.Logits, f.Classes, 1); err != nil {
		return err
	}
	if f.selector, err = distributions(f.Selector.Logits, f.Classes, f.Selector.Temperature); err != nil {
		return err
	}
	for _, form := range f.Forms {
		p, err := distributions(form.Full, f.Classes, f.Full.Temperature)
		if err != nil {
			return err
		}
		f.full = append(f.full, p)
	}
	f.tracks = make([]int, len(f.Labels))
	for i, t := range slices.Concat(f.Tune, f.Report) {
		for r := t.First; r < t.First+t.Frames; r++ {
			f.tracks[r] = i
		}
	}
	for _, p := range f.full[0] {
		f.best = append(f.best, policy.Largest(p))
	}
	return nil
}

func rowsOf(tracks []evaluation.Track) []int {
	var rows []int
	for _, t := range tracks {
		for r := t.First; r < t.First+t.Frames; r++ {
			rows = append(rows, r)
		}
	}
	return rows
}

// relabel turns labels into outputs of a specialist, whose last is "other".
func relabel(labels, classes []int) []int {
	out := make([]int, len(labels))
	for i, l := range labels {
		out[i] = len(classes)
		for o, c := range classes {
			if c == l {
				out[i] = o
			}
		}
	}
	return out
}

// fitTemperature returns the temperature with the least cross entropy on the rows.
func fitTemperature(logits []int16, outputs int, labels, rows []int) float64 {
	best, least := 1.0, math.Inf(1)
	for t := 0.3; t < 4; t *= 1.06 {
		sum := 0.0
		for _, r := range rows {
			top, all := math.Inf(-1), 0.0
			line := logits[r*outputs : (r+1)*outputs]
			for _, l := range line {
				top = max(top, float64(l))
			}
			for _, l := range line {
				all += math.Exp((float64(l) - top) / logitScale / t)
			}
			sum += math.Log(all) - (float64(line[labels[r]])-top)/logitScale/t
		}
		if sum < least {
			best, least = t, sum
		}
	}
	return best
}

// mean returns the mean size of a form in bytes.
func (f formFacts) mean() int {
	sum := 0
	for _, b := range f.Bytes {
		sum += int(b)
	}
	return sum / max(1, len(f.Bytes))
}

// save writes facts, without what prepare computes, to a file.
func (f *facts) save(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(file)
	err = gob.NewEncoder(z).Encode(f)
	for _, close := range []func() error{z.Close, file.Close} {
		if e := close(); err == nil {
			err = e
		}
	}
	return err
}

// readFacts reads what save wrote, and prepares it.
func readFacts(path string) (*facts, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("facts %s: %w", path, err)
	}
	var f facts
	if err := gob.NewDecoder(z).Decode(&f); err != nil {
		return nil, fmt.Errorf("facts %s: %w", path, err)
	}
	return &f, f.prepare()
}
