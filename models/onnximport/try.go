package onnximport

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// Guess is a class and how sure the model is of it.
type Guess struct {
	Class      string
	Confidence float32
}

// Tried is what the model answers about one picture: its best guesses, the best first; or why there are none.
type Tried struct {
	File    string
	Guesses []Guess
	Err     error
}

// Trial is what the model answers about a few pictures, and what is to be feared from it.
type Trial struct {
	Pictures []Tried
	Warnings []string
}

// bestGuesses are shown of a picture.
const bestGuesses = 3

// Try answers pictures, each a file.
func (m *Model) Try(files []string) (*Trial, error) {
	t := &Trial{}
	var kept []string // that can be decoded
	var pixels []byte
	for _, file := range files {
		frame, err := decode(file, m.Input.View)
		t.Pictures = append(t.Pictures, Tried{File: file, Err: err})
		if err == nil {
			kept, pixels = append(kept, file), append(pixels, frame...)
		}
	}
	if len(kept) == 0 {
		return t, nil
	}
	logits, err := m.answer(m.Input, pixels, len(kept))
	if err != nil {
		return nil, err
	}
	rows := slices.Collect(slices.Chunk(logits, len(m.Classes)))
	for i := range t.Pictures {
		if t.Pictures[i].Err == nil {
			t.Pictures[i].Guesses = m.guesses(rows[0])
			rows = rows[1:]
		}
	}
	return t, m.doubt(t, logits, pixels, len(kept))
}

func decode(file string, v picture.View) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, v.Bytes())
	return dst, picture.Decode(dst, &schemas.Frame{Image: b}, v)
}

func (m *Model) answer(in models.Input, pixels []byte, frames int) ([]float32, error) {
	net, err := models.LoadNet(m.File, in, m.Output, len(m.Classes))
	if err != nil {
		return nil, err
	}
	defer net.Close()
	return net.Run(pixels, frames)
}

func (m *Model) guesses(logits []float32) []Guess {
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(logits[b], logits[a]) })
	var sum float64
	for _, l := range logits {
		sum += math.Exp(float64(l - logits[order[0]]))
	}
	var out []Guess
	for _, i := range order[:min(bestGuesses, len(order))] {
		out = append(out, Guess{m.Classes[i], float32(math.Exp(float64(logits[i]-logits[order[0]])) / sum)})
	}
	return out
}

// sure is the mean confidence of the best guess, and how many classes are guessed.
func sure(logits []float32, classes int) (mean float64, distinct int, err error) {
	seen := map[int]bool{}
	for row := range slices.Chunk(logits, classes) {
		a, err := policy.Read(row, 1)
		if err != nil {
			return 0, 0, err
		}
		seen[a.Class] = true
		mean += float64(a.Confidence)
	}
	return mean * float64(classes) / float64(len(logits)), len(seen), nil
}

// Differences in mean confidence that make another normalisation the likelier one.
const (
	muchSurer = 1.5  // times
	someSure  = 0.15 // and by
)

// doubt warns of answers that look as if the model were fed with something else than it was trained on.
func (m *Model) doubt(t *Trial, logits []float32, pixels []byte, frames int) error {
	mean, distinct, err := sure(logits, len(m.Classes))
	if err != nil {
		return err
	}
	alike := frames >= 4 && distinct == 1
	t.warn(alike, "all %d pictures get the same answer: is the normalisation right (--normalize), and the order of channels?", frames)
	t.warn(mean < 2/float64(len(m.Classes)), "no picture gets an answer: the mean confidence is %.2g, where guessing has %.2g: are scale, mean and std right (--normalize)?", mean, 1/float64(len(m.Classes)))
	if m.Input.Type == models.Uint8 {
		return nil
	}
	for _, n := range Normalisations() {
		in := n.apply(m.Input)
		other, err := m.answer(in, pixels, frames)
		if errors.Is(err, models.ErrNotFinite) { // some nets answer no numbers to what they were not trained on
			continue
		}
		if err != nil {
			return err
		}
		conf, classes, err := sure(other, len(m.Classes))
		if err != nil {
			return err
		}
		surer := conf > muchSurer*mean && conf > mean+someSure
		t.warn((surer || alike) && classes >= min(2, frames),
			"with --normalize %s there are %d different answers of a mean confidence of %.2f, against %d of %.2f as it is: was it trained so?",
			n.Name, classes, conf, distinct, mean)
	}
	return nil
}

func (t *Trial) warn(when bool, format string, args ...any) {
	if when {
		t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
	}
}
