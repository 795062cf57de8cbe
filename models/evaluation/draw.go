package evaluation

import "slices"

// Track is one sequence of frames of one class: its first frame's row in a table of frames, and how many rows follow.
type Track struct{ Class, First, Frames int }

// Draw returns the rows of one stream of a kind that has so many frames, drawn from tracks of that many classes.
func Draw(tracks []Track, classes int, k Kind, frames int, seed uint64) []int {
	all := make([]track, len(tracks))
	for i, t := range tracks {
		all[i] = track{class: t.Class, first: t.First, frames: t.Frames}
	}
	d := newDrawer(all, classes, nil, seed)
	var rows []int
	for len(rows) < frames {
		for _, s := range d.draw(k, frames) {
			rows = append(rows, s.rows...)
		}
	}
	return slices.Clip(rows[:frames])
}
