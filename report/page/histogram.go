package page

import "math/bits"

// perOctave is how many slots a histogram has between a value and its double.
const perOctave = 32

// histogram counts times in µs, in slots of about 3 %.
type histogram struct {
	counts [64 * perOctave]int64
	total  int64
}

func (h *histogram) add(us int64) {
	h.counts[bucket(max(us, 0))]++
	h.total++
}

// bucket returns the slot of a value: below perOctave the value itself, then perOctave slots for each doubling.
func bucket(v int64) int {
	if v < perOctave {
		return int(v)
	}
	octave := bits.Len64(uint64(v)) - bits.Len64(perOctave)
	return (octave+1)*perOctave + int(v>>octave) - perOctave
}

// upper returns the largest value of a slot.
func upper(slot int) int64 {
	if slot < perOctave {
		return int64(slot)
	}
	octave := slot/perOctave - 1
	return (int64(slot%perOctave+perOctave)+1)<<octave - 1
}

// quantile returns a time, in µs, that percent of the counted ones do not exceed; at most 3 % too large.
func (h *histogram) quantile(percent int64) int64 {
	rank := (h.total*percent + 99) / 100
	var seen int64
	for slot, n := range h.counts {
		if seen += n; seen >= rank && n > 0 {
			return upper(slot)
		}
	}
	return 0
}
