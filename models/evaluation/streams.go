package evaluation

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Kind is a kind of stream: how many classes it shows at a time, and for how long.
type Kind struct {
	Active  int  `json:"active"`            // M, 0: all
	Dwell   int  `json:"dwell,omitempty"`   // D: frames until others take their place; 0: never
	Aligned bool `json:"aligned,omitempty"` // sets of classes that one specialist knows, as far as they reach
	Mixed   bool `json:"mixed,omitempty"`   // stretches of all sorts, without locality too
	Rare    bool `json:"rare,omitempty"`    // now and then a single frame of a class that is not active
}

// String is the kind's name in tables, e.g. M=3 D=200 aligned.
func (k Kind) String() string {
	switch {
	case k.Mixed:
		return "mixed"
	case k.Active == 0:
		return "no locality"
	}
	s := fmt.Sprintf("M=%d D=%d", k.Active, k.Dwell)
	if k.Aligned {
		s += " aligned"
	}
	if k.Rare {
		s += " intruders"
	}
	return s
}

var (
	actives = []int{1, 2, 3, 5}
	dwells  = []int{30, 200, 1000}
)

// kinds lists the kinds of stream that speed and accuracy are measured on.
func kinds(classes int, aligned bool) []Kind {
	var all []Kind
	for _, m := range actives {
		if m >= classes {
			break
		}
		for _, d := range dwells {
			all = append(all, Kind{Active: m, Dwell: d})
			if aligned && m > 1 {
				all = append(all, Kind{Active: m, Dwell: d, Aligned: true})
			}
		}
	}
	return append(all, Kind{}, Kind{Mixed: true})
}

// rareKinds lists the streams that the recall of single-frame intruders is measured on.
func rareKinds(classes int) []Kind {
	var all []Kind
	for _, m := range []int{1, 3} {
		if m < classes {
			all = append(all, Kind{Active: m, Dwell: 1000, Rare: true})
		}
	}
	return all
}

// rareShare is the chance that a frame of a stream with intruders is one.
const rareShare = 0.02

// stream is a drawn stream: which frames of the table follow one another.
type stream struct {
	kind  Kind
	rows  []int  // of the table
	since []int  // frames since the last switch of the active classes; -1 before the first
	play  []int  // which playing of a track the frame belongs to, or intruder
	whole []int  // frames of the whole track
	rare  []bool // the frame is an intruder
}

// drawer draws streams from tracks.
type drawer struct {
	rng    *rand.Rand
	tracks [][]track // of each class
	known  []int     // classes that have tracks
	groups [][]int   // classes of each specialist, of those known
	deck   []int     // known classes that have not been active since the last shuffle
}

func newDrawer(tracks []track, classes int, groups [][]int, seed uint64) *drawer {
	d := &drawer{rng: rand.New(rand.NewPCG(seed, 0x5eed)), tracks: make([][]track, classes)}
	for _, t := range tracks {
		d.tracks[t.class] = append(d.tracks[t.class], t)
	}
	for c, have := range d.tracks {
		if len(have) > 0 {
			d.known = append(d.known, c)
		}
	}
	for _, g := range groups {
		g = slices.DeleteFunc(slices.Clone(g), func(c int) bool { return len(d.tracks[c]) == 0 })
		if len(g) > 0 {
			d.groups = append(d.groups, g)
		}
	}
	return d
}

// draw returns streams of a kind with about that many frames in all.
func (d *drawer) draw(k Kind, frames int) []stream {
	length := max(600, 3*k.Dwell)
	var all []stream
	for n := max(1, frames/length); n > 0; n-- {
		s := stream{kind: k}
		if k.Mixed {
			d.mix(&s, max(length, 3000))
		} else {
			d.stretch(&s, k, length)
		}
		all = append(all, s)
	}
	return all
}

// mix fills a stream with stretches of different locality.
func (d *drawer) mix(s *stream, frames int) {
	for len(s.rows) < frames {
		k := Kind{Active: append(actives, 0)[d.rng.IntN(len(actives)+1)], Dwell: dwells[d.rng.IntN(2)]}
		if k.Active >= len(d.known) {
			k.Active = 0
		}
		since := 0
		if len(s.rows) == 0 {
			since = -1
		}
		d.dwell(s, d.pick(k, nil), k.Dwell, since)
	}
}

// stretch fills a stream with sets of active classes that follow one another.
func (d *drawer) stretch(s *stream, k Kind, frames int) {
	since := -1
	var active []int
	for len(s.rows) < frames {
		active = d.pick(k, active)
		length := frames
		if k.Active > 0 {
			length = k.Dwell
		}
		d.dwell(s, active, length, since)
		since = 0
	}
}

// pick chooses the active classes: others than before, or those of one group, as far as
// there are any. Classes that have not been active for longest come first, so that all of them are seen.
func (d *drawer) pick(k Kind, before []int) []int {
	if k.Active == 0 {
		return d.known
	}
	if k.Aligned && len(d.groups) > 0 { // the next set may share classes with the last
		return d.aligned(k)
	}
	n := min(k.Active, len(d.known))
	var set []int
	for _, avoid := range [][]int{before, nil} {
		for i := 0; len(set) < n && i < 2*len(d.known); i++ {
			if len(d.deck) == 0 {
				d.deck = d.shuffled(d.known)
			}
			c := d.deck[0]
			d.deck = d.deck[1:]
			if !slices.Contains(set, c) && !slices.Contains(avoid, c) {
				set = append(set, c)
			}
		}
	}
	return set
}

// aligned chooses classes that one specialist knows, and fills up with others where it knows too few.
func (d *drawer) aligned(k Kind) []int {
	group := d.groups[d.rng.IntN(len(d.groups))]
	order := d.shuffled(d.known)
	outside := func(c int) bool { return !slices.Contains(group, c) }
	slices.SortStableFunc(order, func(a, b int) int { return later(outside(a), outside(b)) })
	return order[:min(k.Active, len(order))]
}

func (d *drawer) shuffled(classes []int) []int {
	order := slices.Clone(classes)
	d.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// later orders false before true.
func later(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// dwell plays tracks of the active classes; since counts on from the given value unless it is negative.
func (d *drawer) dwell(s *stream, active []int, frames, since int) {
	for played := 0; played < frames; {
		choice := d.tracks[active[d.rng.IntN(len(active))]]
		t := choice[d.rng.IntN(len(choice))]
		n := min(t.frames, frames-played)
		start := t.first + d.rng.IntN(t.frames-n+1)
		play := len(s.rows)
		for f := start; f < start+n; f++ {
			if s.kind.Rare && d.rng.Float64() < rareShare {
				d.intrude(s, active, since)
			}
			s.add(f, play, t.frames, since)
			if since >= 0 {
				since++
			}
		}
		played += n
	}
}

// intrude adds one frame of a class that is not active.
func (d *drawer) intrude(s *stream, active []int, since int) {
	class := d.known[d.rng.IntN(len(d.known))]
	if slices.Contains(active, class) {
		return
	}
	t := d.tracks[class][d.rng.IntN(len(d.tracks[class]))]
	s.add(t.first+d.rng.IntN(t.frames), intruder, t.frames, since)
}

// intruder is the playing of a frame that belongs to none.
const intruder = -1

func (s *stream) add(row, play, whole, since int) {
	s.rows, s.play, s.whole = append(s.rows, row), append(s.play, play), append(s.whole, whole)
	s.since, s.rare = append(s.since, since), append(s.rare, play == intruder)
}
