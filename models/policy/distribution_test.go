package policy

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func shareOf(t *rapid.T, k int) []float32 {
	p, sum := make([]float32, k), float32(0)
	for c := range p {
		p[c] = rapid.Float32Range(0.001, 1).Draw(t, "p")
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}

// What is rebuilt from the likeliest classes has their probabilities, sums to one, and is all there is where all are listed.
func TestTopAndSpreadKeepWhatIsListed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 12).Draw(t, "classes")
		p := shareOf(t, k)
		most, share := rapid.IntRange(1, 14).Draw(t, "most"), rapid.Float32Range(0, 1).Draw(t, "share")
		top := Top(p, most, share)
		if len(top) == 0 || len(top) > most || top[0] != Largest(p) {
			t.Fatalf("%v of %v", top, p)
		}
		var listed []float32
		sum := float32(0)
		for i, c := range top {
			if i > 0 && p[c] > p[top[i-1]] || i > 0 && sum >= share {
				t.Fatalf("%v of %v: not the likeliest, or more than %v needs", top, p, share)
			}
			listed, sum = append(listed, p[c]), sum+p[c]
		}
		q, all := make([]float32, k), float64(0)
		if err := Spread(q, top, listed); err != nil {
			t.Fatal(err)
		}
		for c, v := range q {
			all += float64(v)
			if slices.Contains(top, c) && v != p[c] || v < 0 {
				t.Fatalf("class %d of %v, from %v of %v", c, q, top, p)
			}
		}
		if math.Abs(all-1) > 1e-4 || Likeliest(q).Class != Largest(q) {
			t.Fatalf("%v sums to %v", q, all)
		}
	})
}

func TestSpreadRefusesWhatIsNoDistribution(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		classes []int
		p       []float32
	}{
		"above one": {[]int{0, 1}, []float32{0.7, 0.7}}, "negative": {[]int{0}, []float32{-0.1}}, "NaN": {[]int{0}, []float32{nan}},
		"twice": {[]int{1, 1}, []float32{0.2, 0.2}}, "unknown class": {[]int{3}, []float32{0.2}}, "no probability": {[]int{0, 1}, []float32{0.2}},
	} {
		if Spread(make([]float32, 3), c.classes, c.p) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	q := make([]float32, 3)
	if err := Spread(q, []int{1}, []float32{0.5}); err != nil || !slices.Equal(q, []float32{0.25, 0.5, 0.25}) {
		t.Errorf("%v, %v", q, err)
	}
}
