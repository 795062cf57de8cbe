package models

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
)

// Verify loads every net of the pack and runs it on a few test frames. An error is what keeps the pack from being
// used; what may be meant but seldom is goes to the log.
func (p *Pack) Verify() error {
	if err := Start(); err != nil { // first, so that it is not told as the fault of a file
		return err
	}
	for _, n := range p.Nets() {
		net, err := p.Load(n.NetEntry)
		if err != nil {
			return err
		}
		doubt, err := net.Try()
		if err := errors.Join(err, net.Close()); err != nil {
			return fmt.Errorf("pack %s: %s: %w", p.Dir, n.File, err)
		}
		if doubt != "" {
			slog.Warn(fmt.Sprintf("pack %s: %s: %s", p.Dir, n.File, doubt))
		}
	}
	return nil
}

// Try runs the net on frames of one colour and of noise. A doubt is something in its answers that is seldom meant;
// empty: none.
func (n *Net) Try() (doubt string, err error) {
	kind, doubt, err := n.Kind()
	switch {
	case err != nil:
		return "", err
	case kind == Probabilities && !n.answer.probabilities:
		doubt = `its answers are probabilities (softmax) but are taken for logits: say "output": {"kind": "probabilities"} in the manifest (format 2), or export it without its last layer`
	case kind != Probabilities && n.answer.probabilities:
		return "", errors.New(`its answers are said to be probabilities but do not sum to 1: leave the output's kind out, for logits`)
	}
	return doubt, nil
}

// Kind tells of what kind the net's answers are, by what it answers to frames of one colour and of noise: Probabilities
// or Logits. A doubt is what it cannot answer.
func (n *Net) Kind() (kind, doubt string, err error) {
	var answers []float32
	for frame := range slices.Chunk(probes(n.input.Bytes()), n.input.Bytes()) {
		logits := make([]float32, n.outputs)
		if _, err := n.Answer(logits, frame, 1); errors.Is(err, ErrNotFinite) {
			doubt = err.Error() + ", for a test frame: frames like it become error rows"
			continue
		} else if err != nil {
			return "", "", err
		}
		answers = append(answers, logits...)
	}
	if n.answer.probabilities {
		for i, v := range answers {
			answers[i] = float32(math.Exp(float64(v)))
		}
	}
	if len(answers) > 0 && sumToOne(answers, n.outputs) {
		return Probabilities, doubt, nil
	}
	return Logits, doubt, nil
}

// probes are frames of size bytes: black, white, grey, noise, and two of other colours.
func probes(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var out []byte
	for _, of := range []func(channel int) byte{
		func(int) byte { return 0 },
		func(int) byte { return 255 },
		func(int) byte { return 128 },
		func(int) byte { return byte(random.Uint32()) },
		func(c int) byte { return []byte{220, 40, 30}[c] },
		func(c int) byte { return []byte{20, 90, 200}[c] },
	} {
		for i := range size {
			out = append(out, of(i%3))
		}
	}
	return out
}

// sumToOne reports whether rows of that many values are all probabilities: none below 0, and their sum 1.
func sumToOne(values []float32, outputs int) bool {
	for i := 0; i+outputs <= len(values); i += outputs {
		var sum float64
		for _, v := range values[i : i+outputs] {
			if !(v >= 0) {
				return false
			}
			sum += float64(v)
		}
		if !(math.Abs(sum-1) < 5e-3) { // float16 is that coarse over many classes
			return false
		}
	}
	return true
}
