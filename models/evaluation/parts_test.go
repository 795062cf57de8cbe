package evaluation

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// However many sequences the classes have, each is in exactly one part, and parts have the expected sizes.
func TestPartsShareNoSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := &Table{}
		for c := range rapid.IntRange(2, 12).Draw(t, "classes") {
			table.classes = append(table.classes, string(rune('a'+c)))
			for range rapid.IntRange(0, 9).Draw(t, "sequences") {
				table.tracks = append(table.tracks, track{class: c, first: len(table.tracks), frames: 1})
			}
		}
		share := func(parts, i int) int { return map[int][]int{2: {2, 2}, 3: {1, 2, 1}}[parts][i] } // in quarters
		p := table.parts()
		all := [][]track{p.choose, p.confirm}
		if !p.shared() {
			all = append(all, p.report)
		}
		seen := map[track]int{}
		for i, part := range all {
			for _, tr := range part {
				seen[tr]++
			}
			if d := len(part)*4 - len(table.tracks)*share(len(all), i); d > 4 || d < -4 {
				t.Fatalf("%d of %d sequences in part %d of %d", len(part), len(table.tracks), i, len(all))
			}
		}
		for _, tr := range table.tracks {
			if seen[tr] != 1 {
				t.Fatalf("sequence %+v is in %d parts", tr, seen[tr])
			}
		}
	})
}

func TestFewSequencesMakeTwoParts(t *testing.T) {
	for tracks, three := range map[int]bool{1: false, 2: false, 3: true, 8: true} {
		p := synthetic(4, tracks, 3, 0, 1).parts()
		if p.shared() == three || len(p.describe()) != map[bool]int{true: 3, false: 2}[three] {
			t.Errorf("%d sequences of each class: parts %+v", tracks, p.describe())
		}
		if slices.Equal(p.choose, p.confirm) {
			t.Errorf("%d sequences of each class: the choosing part also confirms", tracks)
		}
	}
}
