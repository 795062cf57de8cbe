package evaluation

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Streams show the declared number of classes at a time, in tracks whose frames keep their order.
func TestStreamsKeepTheirKind(t *testing.T) {
	table := synthetic(8, 3, 7, 2, 1)
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(append(kinds(8, true), rareKinds(8)...)).Draw(t, "kind")
		seed := rapid.Uint64().Draw(t, "seed")
		streams := newDrawer(table.tracks, 8, table.groups(), seed).draw(k, 1200)
		again := newDrawer(table.tracks, 8, table.groups(), seed).draw(k, 1200)
		for i, s := range streams {
			if !slices.Equal(s.rows, again[i].rows) || !slices.Equal(s.since, again[i].since) {
				t.Fatal("the same seed drew another stream")
			}
			checkOrder(t, &s)
			if k.Active > 0 && !k.Mixed {
				checkSets(t, table, &s, k)
			}
		}
	})
}

func checkOrder(t *rapid.T, s *stream) {
	last, at := -1, -1
	for i, row := range s.rows {
		if s.rare[i] != (s.play[i] == intruder) {
			t.Fatal("an intruder belongs to a track")
		}
		if s.rare[i] {
			continue
		}
		if s.play[i] == last && row != at+1 {
			t.Fatalf("frame %d follows frame %d of the same track", row, at)
		}
		last, at = s.play[i], row
	}
}

// checkSets checks each interval between switches.
func checkSets(t *rapid.T, table *Table, s *stream, k Kind) {
	var set []int
	check := func() {
		if len(set) > k.Active {
			t.Fatalf("%v: classes %v at a time", k, set)
		}
		inGroup := func(g []int) bool {
			return !slices.ContainsFunc(set, func(c int) bool { return !slices.Contains(g, c) })
		}
		if k.Aligned && k.Active <= 4 && !slices.ContainsFunc(table.groups(), inGroup) {
			t.Fatalf("%v: classes %v are not of one group", k, set)
		}
		set = nil
	}
	for i, row := range s.rows {
		if s.since[i] == 0 {
			check()
		}
		if c := table.labels[row]; !s.rare[i] && !slices.Contains(set, c) {
			set = append(set, c)
		}
	}
	check()
}
