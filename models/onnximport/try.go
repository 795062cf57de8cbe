package onnximport

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
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
	Looks    []Look // as the model is fed, and then in the other usual ways
	Labelled int    // pictures that lie in a folder named after a class, which therefore is right
	Warnings []string
}

// Look is how sure a model is of the pictures, fed in one way.
type Look struct {
	Way      string  // as flags say it
	Mean     float64 // confidence of the best guess
	Distinct int     // classes that are guessed
	Entropy  float64 // mean over the pictures, nats
	Right    int     // of the labelled pictures
	each     []float64
	answers  []int // class of each picture
}

const (
	bestGuesses = 3  // shown of a picture
	atOnce      = 16 // pictures in a call, which bounds the memory of large nets
)

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
	return t, m.doubt(t, logits, pixels, kept)
}

// labels are the classes of pictures by the names of their folders, -1 where that is none.
func (m *Model) labels(files []string) (labels []int, known int) {
	for _, file := range files {
		label := slices.Index(m.Classes, filepath.Base(filepath.Dir(file)))
		if label >= 0 {
			known++
		}
		labels = append(labels, label)
	}
	return labels, known
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
	var all []float32
	size := len(pixels) / frames
	for batch := range slices.Chunk(pixels, atOnce*size) {
		logits, err := net.Run(batch, len(batch)/size)
		if err != nil {
			return nil, err
		}
		all = append(all, logits...)
	}
	return all, nil
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

func newLook(way string, logits []float32, classes int) (Look, error) {
	l, seen := Look{Way: way}, map[int]bool{}
	for row := range slices.Chunk(logits, classes) {
		a, err := policy.Read(row, 1)
		if err != nil {
			return l, err
		}
		seen[a.Class] = true
		l.answers = append(l.answers, a.Class)
		l.each = append(l.each, float64(a.Entropy))
		l.Mean, l.Entropy = l.Mean+float64(a.Confidence), l.Entropy+float64(a.Entropy)
	}
	n := float64(len(l.each))
	l.Mean, l.Entropy, l.Distinct = l.Mean/n, l.Entropy/n, len(seen)
	return l, nil
}

// What makes another way of feeding the likelier one.
const (
	muchSurer  = 1.5  // times the mean confidence
	someSure   = 0.15 // and by so much
	clearly    = 2    // mean entropy gained, in standard errors over the pictures
	gainedNats = 0.2  // and in nats
	moreSure   = 1.15 // and times the mean confidence
	enough     = 8    // pictures for that
)

// surer reports whether the model is clearly surer of the same pictures than in the other look. Answers that
// collapse into few classes are no better for being sure.
func (l Look) surer(than Look) bool {
	if 2*l.Distinct < than.Distinct {
		return false
	}
	if l.Mean > muchSurer*than.Mean && l.Mean > than.Mean+someSure {
		return true
	}
	if l.Distinct >= 2*than.Distinct && l.Entropy < than.Entropy && len(l.each) >= enough {
		return true // the other's answers have collapsed into a few
	}
	gain, spread := gained(than.each, l.each)
	return len(l.each) >= enough && gain > gainedNats && gain > clearly*spread && l.Mean > moreSure*than.Mean
}

// likelier orders looks that are surer than the given one: those with far more different answers first, then the surest.
func (l Look) likelier(than Look) bool {
	if l.Distinct >= 2*than.Distinct || than.Distinct >= 2*l.Distinct {
		return l.Distinct > than.Distinct
	}
	return l.Entropy < than.Entropy
}

// gained is the mean of from less to, and its standard error.
func gained(from, to []float64) (mean, spread float64) {
	n := float64(len(from))
	for i := range from {
		mean += (from[i] - to[i]) / n
	}
	for i := range from {
		d := from[i] - to[i] - mean
		spread += d * d
	}
	return mean, math.Sqrt(spread / max(1, n-1) / n)
}

// righter reports whether more of the labelled pictures are answered right than in the other look: by two standard errors of
// the difference, on the pictures that only one of them answers right.
func (l Look) righter(than Look, labels []int) bool {
	gained, lost := 0, 0
	for i, label := range labels {
		switch {
		case label < 0 || l.answers[i] == than.answers[i]:
		case l.answers[i] == label:
			gained++
		case than.answers[i] == label:
			lost++
		}
	}
	return float64(gained-lost) > clearly*math.Sqrt(float64(gained+lost))
}

// doubt warns of answers that look as if the model were fed with something else than it was trained on.
func (m *Model) doubt(t *Trial, logits []float32, pixels []byte, files []string) error {
	frames := len(files)
	given, err := newLook("unchanged", logits, len(m.Classes))
	if err != nil {
		return err
	}
	alike := frames >= 4 && given.Distinct == 1
	t.warn(alike, "all %d pictures get the same answer: is the normalisation right (--normalize), and the order of channels?", frames)
	t.warn(given.Mean < guessing(len(m.Classes)), "the model is unsure of every picture: its mean confidence is %.2g, and guessing has %.2g: are scale, mean and std right (--normalize)?", given.Mean, 1/float64(len(m.Classes)))
	others, err := m.others(pixels, frames)
	if err != nil {
		return err
	}
	t.Looks = append([]Look{given}, others...)
	labels, known := m.labels(files)
	if t.Labelled = known; known >= enough {
		t.score(labels)
		return nil
	}
	var best *Look
	for i, o := range others {
		if (o.surer(given) || alike && o.Distinct >= min(2, frames)) && (best == nil || o.likelier(*best)) {
			best = &others[i]
		}
	}
	if best != nil {
		t.warn(true, "with %s the model is more confident: %d different answers, mean confidence %.2f (entropy %.2f nats), against %d and %.2f (%.2f) unchanged: was it trained that way?",
			best.Way, best.Distinct, best.Mean, best.Entropy, given.Distinct, given.Mean, given.Entropy)
	}
	return nil
}

// score counts right answers, and warns where another way of feeding has more of them: that says more than any confidence,
// which larger inputs raise too.
func (t *Trial) score(labels []int) {
	for i := range t.Looks {
		l := &t.Looks[i]
		for j, label := range labels {
			if label >= 0 && l.answers[j] == label {
				l.Right++
			}
		}
	}
	given := t.Looks[0]
	best := slices.MaxFunc(t.Looks, func(a, b Look) int { return cmp.Compare(a.Right, b.Right) })
	t.warn(best.righter(given, labels), "with %s it answers %d of %d pictures as their folders are named, unchanged %d: was it trained that way?", best.Way, best.Right, t.Labelled, given.Right)
}

// guessing is the mean confidence below which a model of that many classes answers nothing: twice that of a guess, or,
// where classes are few, a guess and a tenth of what is left to certainty.
func guessing(classes int) float64 {
	guess := 1 / float64(classes)
	return min(2*guess, guess+0.1*(1-guess))
}

// others are the looks under the other usual normalisations, and with the colours in the other order.
func (m *Model) others(pixels []byte, frames int) ([]Look, error) {
	ways := map[string]models.Input{}
	if m.Input.Type != models.Uint8 {
		for _, n := range normalisations() {
			ways["--normalize "+n.Name] = n.apply(m.Input)
		}
	}
	if way, in, ok := reversed(m.Input); ok {
		ways[way] = in
	}
	var all []Look
	for _, way := range slices.Sorted(maps.Keys(ways)) {
		logits, err := m.answer(ways[way], pixels, frames)
		if errors.Is(err, models.ErrNotFinite) { // some nets answer no numbers to what they were not trained on
			continue
		}
		if err != nil {
			return nil, err
		}
		l, err := newLook(way, logits, len(m.Classes))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// reversed is the input with the colours in the other order; their mean and std go with them.
func reversed(in models.Input) (way string, out models.Input, ok bool) {
	switch in.Channels {
	case models.BGR:
		in.Channels, way = "", "--channels rgb"
	case "", models.RGB:
		in.Channels, way = models.BGR, "--channels bgr"
	default:
		return "", in, false
	}
	in.Mean, in.Std = slices.Clone(in.Mean), slices.Clone(in.Std)
	slices.Reverse(in.Mean)
	slices.Reverse(in.Std)
	return way, in, true
}

func (t *Trial) warn(when bool, format string, args ...any) {
	if when {
		t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
	}
}
