package evaluation

import "slices"

// Track is one sequence of frames of one class: its first frame's row in a table of frames, and how many rows follow.
type Track struct{ Class, First, Frames int }

func tracksOf(of []Track) []track {
	all := make([]track, len(of))
	for i, t := range of {
		all[i] = track{class: t.Class, first: t.First, frames: t.Frames}
	}
	return all
}

// Draw returns the rows of one stream of a kind that has so many frames, drawn from tracks of that many classes.
func Draw(tracks []Track, classes int, k Kind, frames int, seed uint64) []int {
	d := newDrawer(tracksOf(tracks), classes, nil, seed)
	var rows []int
	for len(rows) < frames {
		for _, s := range d.draw(k, frames) {
			rows = append(rows, s.rows...)
		}
	}
	return slices.Clip(rows[:frames])
}
