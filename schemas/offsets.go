package schemas

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sort"
)

// Offsets is a set of offsets of one partition, kept as disjoint ascending ranges. The zero value is
// the empty set. It is not safe for concurrent use.
type Offsets struct {
	ranges []offsetRange
}

// offsetRange is [from, to).
type offsetRange struct{ from, to int64 }

// Add puts [from, to) into the set; an empty or inverted range changes nothing.
func (o *Offsets) Add(from, to int64) {
	if from >= to {
		return
	}
	// first range that touches or follows [from, to), and the first that lies wholly behind it
	i := sort.Search(len(o.ranges), func(i int) bool { return o.ranges[i].to >= from })
	j := sort.Search(len(o.ranges), func(j int) bool { return o.ranges[j].from > to })
	if i < j {
		from = min(from, o.ranges[i].from)
		to = max(to, o.ranges[j-1].to)
	}
	o.ranges = slices.Replace(o.ranges, i, j, offsetRange{from, to})
}

// Union adds all of other.
func (o *Offsets) Union(other Offsets) {
	for _, r := range other.ranges {
		o.Add(r.from, r.to)
	}
}

// Contains reports whether offset is in the set.
func (o Offsets) Contains(offset int64) bool {
	i := sort.Search(len(o.ranges), func(i int) bool { return o.ranges[i].to > offset })
	return i < len(o.ranges) && o.ranges[i].from <= offset
}

// Next returns the smallest offset ≥ from that is not in the set.
func (o Offsets) Next(from int64) int64 {
	i := sort.Search(len(o.ranges), func(i int) bool { return o.ranges[i].to > from })
	if i < len(o.ranges) && o.ranges[i].from <= from {
		return o.ranges[i].to
	}
	return from
}

// Missing returns the offsets of [from, to) that are not in the set.
func (o Offsets) Missing(from, to int64) Offsets {
	var missing Offsets
	for _, r := range o.ranges {
		if r.to > from {
			missing.Add(from, min(r.from, to))
			from = r.to
		}
	}
	missing.Add(from, to)
	return missing
}

// All yields the disjoint ranges [from, to) of the set in ascending order.
func (o Offsets) All() iter.Seq2[int64, int64] {
	return func(yield func(from, to int64) bool) {
		for _, r := range o.ranges {
			if !yield(r.from, r.to) {
				return
			}
		}
	}
}

// End returns the offset behind the largest in the set, 0 for the empty set.
func (o Offsets) End() int64 {
	if len(o.ranges) == 0 {
		return 0
	}
	return o.ranges[len(o.ranges)-1].to
}

// Count returns how many offsets are in the set.
func (o Offsets) Count() int64 {
	var n int64
	for _, r := range o.ranges {
		n += r.to - r.from
	}
	return n
}

// MarshalJSON writes the set as [[from, to), …], e.g. [[0,100],[120,130]].
func (o Offsets) MarshalJSON() ([]byte, error) {
	pairs := make([][2]int64, len(o.ranges))
	for i, r := range o.ranges {
		pairs[i] = [2]int64{r.from, r.to}
	}
	return json.Marshal(pairs)
}

// UnmarshalJSON reads what MarshalJSON writes; ranges may overlap and come in any order.
func (o *Offsets) UnmarshalJSON(b []byte) error {
	var pairs [][2]int64
	if err := json.Unmarshal(b, &pairs); err != nil {
		return fmt.Errorf("offset ranges: %w", err)
	}
	o.ranges = nil
	for _, p := range pairs {
		if p[0] < 0 || p[0] > p[1] {
			return fmt.Errorf("offset ranges: [%d, %d) is not a range", p[0], p[1])
		}
		o.Add(p[0], p[1])
	}
	return nil
}
