package models

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
)

// Verify loads every net of the pack that is here and runs it on a few test frames. An error is what keeps the pack from being
// used; what may be meant but seldom is goes to the log.
func (p *Pack) Verify() error {
	if err := Start(); err != nil { // first, so that a missing library is not reported as the fault of a file
		return err
	}
	for _, n := range p.Nets() {
		if !p.here(n.NetEntry) { // tried when it has come
			continue
		}
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
		return "", errors.New(`its outputs are declared as probabilities but do not sum to 1: leave the output's kind out, for logits`)
	}
	return doubt, nil
}

// Kind tells of what kind the net's answers are, by what it answers to frames of one colour and of noise: Probabilities
// or Logits. A doubt is what it cannot answer, or what is seldom meant; where there are several, the first one.
func (n *Net) Kind() (kind, doubt string, err error) {
	var answers []float32
	frames := probes(n.input.Bytes())
	for frame := range slices.Chunk(frames, n.input.Bytes()) {
		logits := make([]float32, n.outputs)
		switch _, err := n.Answer(logits, frame, 1); {
		case errors.Is(err, errNoDistribution):
			return Logits, "", nil // though they are said to be probabilities
		case errors.Is(err, ErrNotFinite):
			doubt = err.Error() + " for a test frame: such frames become error rows"
			continue
		case err != nil:
			return "", "", err
		}
		answers = append(answers, logits...)
	}
	if len(answers) == 0 {
		return Logits, "it answers none of the test frames with numbers: every frame may become an error row", nil
	}
	if doubt == "" {
		doubt = n.alone(frames, answers)
	}
	if n.answer.probabilities {
		for i, v := range answers {
			answers[i] = float32(math.Exp(float64(v)))
		}
	}
	if sumToOne(answers, n.outputs) {
		return Probabilities, doubt, nil
	}
	if doubt == "" {
		doubt = doubtful(answers, n.outputs)
	}
	return Logits, doubt, nil
}

// alone holds the answers to frames, of one call each, against those of one call for all: a net that was exported in
// training mode answers otherwise there. It returns a doubt.
func (n *Net) alone(frames []byte, answers []float32) (doubt string) {
	if n.batch == 1 {
		return ""
	}
	together := make([]float32, len(answers))
	if _, err := n.Answer(together, frames, len(answers)/n.outputs); err != nil {
		return fmt.Sprintf("it cannot take several frames in one call, though its input says so: each is run alone, which is slower: %v", err)
	}
	for i, v := range answers {
		if math.Abs(float64(v-together[i])) > 0.02*(1+math.Abs(float64(v))) { // accelerators and float16 are coarse
			return "what it answers to a frame depends on the frames beside it, so that answers change from run to run: export it in evaluation mode, and quantised statically if at all"
		}
	}
	return ""
}

// doubtful looks for answers that are no logits either.
func doubtful(answers []float32, outputs int) (doubt string) {
	first := answers[:outputs]
	alike, scores, sums := true, true, map[float64]bool{}
	for row := range slices.Chunk(answers, outputs) {
		var sum float64
		for i, v := range row {
			alike = alike && v == first[i]
			scores = scores && v >= 0 && v <= 1
			sum += float64(v)
		}
		if slices.Min(row) < 0 {
			sum = math.NaN() // which equals nothing
		}
		sums[math.Round(sum*100)/100] = true
	}
	switch {
	case alike:
		return "it answers all test frames alike: it does not seem to look at them"
	case scores:
		return "its answers all lie in 0 … 1 and do not sum to 1 (a sigmoid?) and are taken for logits, which makes every confidence low: export it without its last layer"
	case len(sums) == 1:
		return "its answers have the same sum for every test frame (probabilities in per cent?) and are taken for logits: export it without its last layer"
	}
	return ""
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
