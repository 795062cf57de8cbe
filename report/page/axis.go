package page

// maxSlots bounds the slots of the time axis.
const maxSlots = 240

// axis divides time into slots of equal width, numbered from the epoch. When the times seen do not fit into maxSlots
// slots any more, it doubles their width.
type axis struct {
	width   int64 // µs
	lo, hi  int64 // the first and the last slot with a row
	started bool
}

// put returns the slot of a time in µs, and how many times the width had to be doubled for it.
func (a *axis) put(us int64) (slot int64, doubled int) {
	slot = floorDiv(us, a.width)
	if !a.started {
		a.lo, a.hi, a.started = slot, slot, true
	}
	for max(a.hi, slot)-min(a.lo, slot) >= maxSlots {
		a.width *= 2
		a.lo, a.hi, slot = floorDiv(a.lo, 2), floorDiv(a.hi, 2), floorDiv(slot, 2)
		doubled++
	}
	a.lo, a.hi = min(a.lo, slot), max(a.hi, slot)
	return slot, doubled
}

// slots is how many slots lie between the first row and the last.
func (a *axis) slots() int {
	if !a.started {
		return 0
	}
	return int(a.hi-a.lo) + 1
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// cell is what happened in one slot.
type cell struct {
	hits, misses, errors uint32
	known, wrong         uint32 // answers with something to compare them with, and those that differ from it
	changes              uint32 // of the active specialist
	alarms               uint32 // what audits made the stream do: a stricter threshold, drift, bypass, return
	net                  uint8  // the specialist that gave the last hit, as the collector numbers them; 0: none
}

func (c *cell) merge(o cell) {
	c.hits += o.hits
	c.misses += o.misses
	c.errors += o.errors
	c.known += o.known
	c.wrong += o.wrong
	c.changes += o.changes
	c.alarms += o.alarms
	if o.net != 0 {
		c.net = o.net
	}
}

func (c cell) frames() uint32 { return c.hits + c.misses + c.errors }

// series holds the cells from the slot first on.
type series struct {
	first int64
	cells []cell
}

// at returns the cell of a slot, growing the series to it.
func (s *series) at(slot int64) *cell {
	switch {
	case len(s.cells) == 0:
		s.first = slot
	case slot < s.first:
		s.cells = append(make([]cell, s.first-slot), s.cells...)
		s.first = slot
	}
	for int64(len(s.cells)) <= slot-s.first {
		s.cells = append(s.cells, cell{})
	}
	return &s.cells[slot-s.first]
}

// double merges the cells in pairs, as the axis does with its slots.
func (s *series) double() {
	if len(s.cells) == 0 {
		return
	}
	first := floorDiv(s.first, 2)
	var merged []cell
	for i, c := range s.cells {
		slot := floorDiv(s.first+int64(i), 2) - first
		if slot == int64(len(merged)) {
			merged = append(merged, cell{})
		}
		merged[slot].merge(c)
	}
	s.first, s.cells = first, merged
}

// over returns the cells of all slots of the axis.
func (s *series) over(a axis) []cell {
	all := make([]cell, a.slots())
	if len(s.cells) > 0 {
		copy(all[s.first-a.lo:], s.cells)
	}
	return all
}
