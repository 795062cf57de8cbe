package evaluation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// synthetic makes a table of classes, each with tracks of frames: the full model is nearly always right,
// the small nets are right less often and, as real nets, less confident where they are wrong. The errors of a
// track are correlated.
func synthetic(classes, tracks, frames int, groups int, seed uint64) *Table {
	rng := rand.New(rand.NewPCG(seed, 1))
	t := &Table{}
	for c := range classes {
		t.classes = append(t.classes, className(c))
	}
	t.nets = []column{
		newColumn("full", roleFull, nil, classes, 1000), newColumn("small", roleSmall, nil, classes, 30),
		newColumn("tiny", roleSmall, nil, classes, 15), newColumn("selector", roleSelector, nil, classes, 200),
	}
	for g := range groups {
		var own []int
		for c := g; c < classes; c += groups {
			own = append(own, c)
		}
		t.nets = append(t.nets, newColumn("specialist"+string(rune('0'+g)), roleSpecialist, own, classes, 30))
	}
	skill := map[string]float64{roleFull: 5, roleSmall: 2.5, roleSelector: 4, roleSpecialist: 3}
	for role := range skill { // with more classes the best wrong one is closer
		skill[role] += max(0, 1.5*math.Log(float64(classes)/50))
	}
	for c := range classes {
		for range tracks {
			tr := track{class: c, first: len(t.labels), frames: frames}
			t.tracks = append(t.tracks, tr)
			bias := noise(rng, classes, 0.8)
			for range frames {
				t.labels = append(t.labels, c)
				shown := noise(rng, classes, 1)
				for i := range shown {
					shown[i] += bias[i]
				}
				for n := range t.nets {
					k := skill[t.nets[n].Role]
					if t.nets[n].SHA256 == "tiny" {
						k = 1.2
					}
					t.nets[n].answer(c, k, shown)
				}
			}
		}
	}
	t.finish()
	if err := t.settle(); err != nil {
		panic(err)
	}
	return t
}

// className is a letter, or a number where there are more classes than letters.
func className(c int) string {
	if c < 26 {
		return string(rune('a' + c))
	}
	return fmt.Sprintf("class %d", c)
}

func newColumn(name, role string, own []int, classes int, us float64) column {
	c := column{us: us}
	c.Role, c.SHA256, c.File, c.Temperature = role, name, name+".onnx", 1
	c.Classes, c.Other = own, own != nil
	c.outputs = c.Outputs(classes)
	return c
}

func noise(rng *rand.Rand, n int, scale float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = scale * rng.NormFloat64()
	}
	return v
}

// answer appends logits that favour the class by skill over the frame's appearance.
func (c *column) answer(class int, skill float64, shown []float64) {
	all := make([]float32, len(shown))
	for i, v := range shown {
		all[i] = float32(v)
		if i == class {
			all[i] += float32(skill)
		}
	}
	if c.Classes == nil {
		c.logits = append(c.logits, all...)
		return
	}
	other := 0.0
	for i, l := range all {
		if !slices.Contains(c.Classes, i) {
			other += math.Exp(float64(l))
		}
	}
	for _, own := range c.Classes {
		c.logits = append(c.logits, all[own])
	}
	c.logits = append(c.logits, float32(math.Log(other)))
}

func BenchmarkReplay(b *testing.B) {
	table := synthetic(48, 8, 30, 6, 1)
	a := newArena(table, table.tracks, []Kind{{Active: 3, Dwell: 200}}, 3000, 1)
	for _, name := range []string{smallFull, specialistsPrior} {
		r := rivalNamed(name)
		s := Setup{Small: "small", Settings: r.start}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.run(b.Context(), r, s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/3000, "ns/frame")
		})
	}
}
