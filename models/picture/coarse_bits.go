package picture

// #cgo noescape cn_unstuff
// #cgo nocallback cn_unstuff
// #include "blocks.h"
import "C"

// bitReader reads the entropy-coded bits of a scan from which byte stuffing and restart markers have been taken out.
type bitReader struct {
	data   []byte  // and behind it zeros, for more than a block can hold
	size   int     // of the data without them
	begins []int32 // where the blocks of an interval begin, bits
	spare  []int32 // where those that were read from other places on begin
}

// listed is the memory that finding blocks takes for each, bytes: its place in begins, and two in spare.
const listed = 12

// trim gives up buffers of more than keep bytes.
func (r *bitReader) trim(keep int) {
	if cap(r.data)+listed*cap(r.begins) > keep {
		*r = bitReader{}
	}
}

// What may be read beyond the data before that is noticed: a block takes at most 64 times 27 bits.
const beyond = 256

// largest is a scan whose bits can be counted in begins.
const largest = 1 << 27

// unstuff copies a scan's data up to its end marker, or the end of b; false where another marker ends it.
func (c *coarse) unstuff(b []byte) bool {
	r := &c.bits
	r.data, r.size, c.ends = resize(r.data, len(b)+beyond), 0, c.ends[:0]
	for ended := false; !ended && len(b) > 0; {
		var written C.int64_t
		i := int(C.cn_unstuff(bytesOf(b), C.int64_t(len(b)), bytesOf(r.data[r.size:]), &written))
		r.size += int(written)
		if i+1 >= len(b) {
			break
		}
		switch next := b[i+1]; {
		case next == 0xff: // a marker may be preceded by any number of them
			i--
		case next >= 0xd0 && next <= 0xd7:
			if int(next&7) != len(c.ends)&7 {
				return false // an interval is missing
			}
			c.ends = append(c.ends, r.size)
		case next == markerEOI:
			ended = true
		default:
			return false
		}
		b = b[i+2:]
	}
	c.ends = append(c.ends, r.size)
	r.data = r.data[:r.size+beyond]
	clear(r.data[r.size:])
	return r.size <= largest
}

// find lists where the blocks of the interval of data from start to end begin, in bits from start on; false where it is
// damaged, or ends in another byte than its last.
func (r *bitReader) find(t *C.cn_lookups, start, end, blocks int) bool {
	r.begins, r.spare = resize(r.begins, blocks+C.cn_spare), resize(r.spare, 2*(blocks+C.cn_spare))
	sound := C.cn_blocks(t, bytesOf(r.data[start:]), C.int64_t(end-start), C.int64_t(blocks), intsOf(r.begins), intsOf(r.spare))
	left := 8*(end-start) - int(r.begins[blocks])
	return sound != 0 && left >= 0 && left < 8
}
