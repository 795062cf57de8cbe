package picture

import (
	"bytes"
	"encoding/binary"
)

// bitReader reads the entropy-coded bits of a scan from which byte stuffing and restart markers have been taken out.
type bitReader struct {
	data  []byte // and behind it zeros, for more than a block can hold
	size  int    // of the data without them
	acc   uint64 // the next bits, from the highest on
	valid uint   // how many of them are read, 0 … 63; below them are zeros or the bits that follow
	at    int    // of the next byte to read
}

// What may be read beyond the data before that is noticed: a block takes at most 64 times 27 bits.
const beyond = 256

// unstuff copies a scan's data up to its end marker, or the end of b; false where another marker ends it.
func (c *coarse) unstuff(b []byte) bool {
	r := &c.bits
	r.data, c.ends = resize(r.data, len(b)+beyond)[:0], c.ends[:0]
	for ended := false; !ended; {
		i := bytes.IndexByte(b, 0xff)
		if i < 0 || i+1 == len(b) {
			if i < 0 {
				i = len(b)
			}
			r.data = append(r.data, b[:i]...)
			break
		}
		r.data = append(r.data, b[:i]...)
		switch next := b[i+1]; {
		case next == 0:
			r.data = append(r.data, 0xff)
			i++
		case next == 0xff: // a marker may be preceded by any number of them
		case next >= 0xd0 && next <= 0xd7:
			if int(next&7) != len(c.ends)&7 {
				return false // an interval is missing
			}
			c.ends = append(c.ends, len(r.data))
			i++
		case next == markerEOI:
			ended = true
		default:
			return false
		}
		b = b[i+1:]
	}
	r.size = len(r.data)
	c.ends = append(c.ends, r.size)
	r.data = r.data[:r.size+beyond]
	clear(r.data[r.size:])
	return true
}

// start begins to read at a byte.
func (r *bitReader) start(at int) { r.acc, r.valid, r.at = 0, 0, at }

// endsAt reports whether what was read ends in the last byte before the offset, as it does in an undamaged JPEG.
func (r *bitReader) endsAt(offset int) bool {
	left := 8*(offset-r.at) + int(r.valid)
	return left >= 0 && left < 8
}

// refill makes 56 or more bits of acc valid by an unconditional load; the bytes of it that do not fit are loaded again
// (Giesen, Reading bits in far too many ways, part 2, variant 4).
func refill(acc uint64, valid uint, at int, data []byte) (uint64, uint, int) {
	return acc | binary.BigEndian.Uint64(data[at:])>>(valid&63), valid | 56, at + int(63-valid)>>3
}

// block reads the coefficients of one block: the difference of its mean to that of the block before, and those behind
// it where the plane needs them. It returns false at damage.
func (r *bitReader) block(p *plane, low *lowest) bool {
	acc, valid, at, data := r.acc, r.valid, r.at, r.data
	if at > r.size+8 {
		return false
	}
	acc, valid, at = refill(acc, valid, at, data)

	e := p.dc.short[acc>>(64-dcBits)]
	if e == 0 {
		if e = p.dc.long(acc); e == 0 {
			return false
		}
	}
	acc <<= uint32(e) & 63
	valid -= uint(e & 63)
	low[0] = int(e >> 8)

	k := 1
	if p.wide > 1 || p.high > 1 {
		for k < len(low) {
			acc, valid, at = refill(acc, valid, at, data)
			e := p.ac.short[acc>>(64-acBits)]
			if e == 0 {
				if e = p.ac.long(acc); e == 0 {
					return false
				}
			}
			acc <<= uint32(e) & 63
			valid -= uint(e & 63)
			k += int(e >> 8 & 0xff)
			if k <= len(low) {
				low[k-1] = int(e >> 16)
			}
		}
	}
	skip := &p.ac.skip
	for k < 64 {
		acc, valid, at = refill(acc, valid, at, data)
		next := k
		for valid >= skipBits {
			s := skip[acc>>(64-skipBits)]
			if next = k + int(s>>8); next >= 64 {
				if next == 64 || next > blockEnds && next < blockEnds+64 {
					k = next
					acc <<= s & 63
					valid -= uint(s & 63)
				}
				break
			}
			k = next
			acc <<= s & 63
			valid -= uint(s & 63)
		}
		if k == next {
			continue
		}
		// a code that is longer than the table's, or codes of which the last belong to the next block
		acc, valid, at = refill(acc, valid, at, data)
		e := p.ac.long(acc)
		if k += int(e >> 8 & 0xff); e == 0 || k > 64 && k < blockEnds {
			return false
		}
		acc <<= uint32(e) & 63
		valid -= uint(e & 63)
	}
	r.acc, r.valid, r.at = acc, valid, at
	return true
}
