package evaluation

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Fusion compares answers that fuse early and late evidence with the late answer alone (the idea of REACT): of a
// miss, the small net's distribution and the stream's window are there before the full model's answer is.
type Fusion struct {
	Pack  string
	Seeds int
	Rows  []Fused
}

// Fused is one way to answer: p(c) ∝ full(c)^Full · small(c)^Small · window(c)^Window.
type Fused struct {
	Name                string
	Full, Small, Window float64   // exponents, chosen on other sequences; 0: no part of it
	Accuracy            []float64 // of each seed, 0 … 1, over all kinds of stream
}

// The window of the experiment is that of the policy: an average of the full model's answers, part of it a guess.
const (
	fuseDecay = 0.8
	fuseAlpha = 0.3
)

// exponents are those tried for evidence besides the full model's.
var exponents = []float64{0.05, 0.1, 0.25, 0.5, 1}

// MeasureFusion plays streams of the odd sequences with exponents chosen on streams of the even ones.
func MeasureFusion(pack string, t *Table, frames, seeds int, seed uint64) (*Fusion, error) {
	if err := t.settle(); err != nil {
		return nil, err
	}
	if len(t.role(roleSmall)) == 0 {
		return nil, fmt.Errorf("pack %s: no small net of all classes to fuse", pack)
	}
	var halves [2][]track
	for i, tr := range t.tracks {
		halves[i%2] = append(halves[i%2], tr)
	}
	out := &Fusion{Pack: pack, Seeds: seeds}
	chosen := t.fuse(halves[0], fusions(), frames, seed)
	for _, name := range []string{"full model alone", "small net alone", "small net × window", "full × small", "full × window", "full × small × window"} {
		var best *Fused
		for i := range chosen {
			if f := &chosen[i]; f.Name == name && (best == nil || f.Accuracy[0] > best.Accuracy[0]) {
				best = f
			}
		}
		best.Accuracy = nil
		out.Rows = append(out.Rows, *best)
	}
	for s := range seeds {
		for i, f := range t.fuse(halves[1], out.Rows, frames, seed+uint64(s)+1) {
			out.Rows[i].Accuracy = append(out.Rows[i].Accuracy, f.Accuracy[0])
		}
	}
	return out, nil
}

// fusions are the ways that are tried.
func fusions() []Fused {
	all := []Fused{{Name: "full model alone", Full: 1}, {Name: "small net alone", Small: 1}}
	for _, a := range exponents {
		all = append(all, Fused{Name: "small net × window", Small: 1, Window: a}, Fused{Name: "full × small", Full: 1, Small: a}, Fused{Name: "full × window", Full: 1, Window: a})
		for _, b := range exponents {
			all = append(all, Fused{Name: "full × small × window", Full: 1, Small: a, Window: b})
		}
	}
	return all
}

// fuse plays every kind of stream of the sequences and returns the ways with their accuracy.
func (t *Table) fuse(tracks []track, ways []Fused, frames int, seed uint64) []Fused {
	ways = slices.Clone(ways)
	right, all := make([]int, len(ways)), 0
	small := t.role(roleSmall)[0]
	k := len(t.classes)
	logs := [3][]float64{make([]float64, k), make([]float64, k), make([]float64, k)}
	window := make([]float64, k)
	for _, kind := range kinds(k, false) {
		for _, s := range newDrawer(tracks, k, nil, seed).draw(kind, frames) {
			for c := range window {
				window[c] = 1 / float64(k)
			}
			for _, row := range s.rows {
				full := t.full().distribution(row)
				for c := range k {
					logs[0][c] = math.Log(float64(full[c]) + 1e-9)
					logs[1][c] = math.Log(float64(small.distribution(row)[c]) + 1e-9)
					logs[2][c] = math.Log((1-fuseAlpha)*window[c] + fuseAlpha/float64(k))
				}
				all++
				for i := range ways {
					right[i] += count(ways[i].answer(logs) == t.labels[row])
				}
				for c, p := range full {
					window[c] = fuseDecay*window[c] + (1-fuseDecay)*float64(p)
				}
			}
		}
	}
	for i := range ways {
		ways[i].Accuracy = []float64{float64(right[i]) / float64(max(1, all))}
	}
	return ways
}

// answer is the class that the fused evidence favours.
func (f *Fused) answer(logs [3][]float64) int {
	best, top := 0, math.Inf(-1)
	for c := range logs[0] {
		if v := f.Full*logs[0][c] + f.Small*logs[1][c] + f.Window*logs[2][c]; v > top {
			best, top = c, v
		}
	}
	return best
}

// Markdown returns the table: accuracy, and the difference to the full model alone on the same frames.
func (m *Fusion) Markdown() string {
	g := grid{{"answer", "exponents of full, small, window", "accuracy %", "over the full model alone, points"}}
	for _, r := range m.Rows {
		gains := make([]float64, len(r.Accuracy))
		for i := range gains {
			gains[i] = 100 * (r.Accuracy[i] - m.Rows[0].Accuracy[i])
		}
		mean, _ := meanAndSpread(r.Accuracy)
		gain, spread := meanAndSpread(gains)
		g = append(g, []string{r.Name, fmt.Sprintf("%v, %v, %v", r.Full, r.Small, r.Window), fmt.Sprintf("%.2f", 100*mean), fmt.Sprintf("%+.2f ± %.2f", gain, spread)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d seeds, streams of held-out sequences; exponents chosen on the other half of them.\n\n%s", m.Pack, m.Seeds, g.markdown())
	return b.String()
}

// meanAndSpread are the mean and the standard deviation.
func meanAndSpread(v []float64) (mean, spread float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		spread += (x - mean) * (x - mean) / float64(max(1, len(v)-1))
	}
	return mean, math.Sqrt(spread)
}
