package evaluation

import (
	"slices"
	"testing"
)

func TestDrawPlaysWholeTracksOfFewClasses(t *testing.T) {
	var tracks []Track
	for c := range 6 {
		tracks = append(tracks, Track{Class: c, First: 10 * c, Frames: 10})
	}
	rows := Draw(tracks, 6, Kind{Active: 2, Dwell: 30}, 25, 1)
	if len(rows) != 25 || !slices.Equal(rows, Draw(tracks, 6, Kind{Active: 2, Dwell: 30}, 25, 1)) {
		t.Fatalf("%d rows, and the same seed must give the same", len(rows))
	}
	classes := map[int]bool{}
	for i, r := range rows {
		classes[r/10] = true
		if i%10 > 0 && r != rows[i-1]+1 {
			t.Errorf("row %d follows %d inside a track", r, rows[i-1])
		}
	}
	if len(classes) > 2 {
		t.Errorf("%d classes before the first switch", len(classes))
	}
}
