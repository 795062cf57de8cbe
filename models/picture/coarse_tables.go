package picture

// #include "blocks.h"
import "C"

import (
	"bytes"
	"slices"
)

// pair is the Huffman tables of a component: the codes, and what is looked up by the next bits (blocks.h).
type pair struct {
	number      int // 1 for the first that was built
	dc, ac      huffman
	first, next [1 << C.cn_peek]C.int16_t // steps from the first code of a block, and from another
	means       [1 << C.cn_mean_peek]C.int32_t
	lows        [1 << C.cn_low_peek]C.int32_t
	openings    [1 << C.cn_low_peek]C.cn_opening
}

// huffman is a table of ITU-T T.81, annex C: codes of a length are consecutive numbers, in the order of their values.
type huffman struct {
	table []byte // as the JPEG holds it: how many codes of each of 16 lengths, then their values
	codes C.cn_codes
}

// read reports whether the table is a sound one.
func (h *huffman) read(table []byte) bool {
	if len(table) < 16 {
		return false
	}
	code, place := 0, 0
	for length := 1; length <= 16; length++ {
		h.codes.offset[length] = C.int32_t(place - code)
		code += int(table[length-1])
		place += int(table[length-1])
		if code > 1<<length {
			return false
		}
		h.codes.limit[length] = C.uint32_t(code << (16 - length))
		code <<= 1
	}
	if place > 256 || len(table) < 16+place {
		return false
	}
	for i, v := range table[16 : 16+place] {
		h.codes.value[i] = C.uint8_t(v)
	}
	h.table = append(h.table[:0], table...)
	return true
}

// each calls do with every code of which an entry sees all bits, and the entries that begin with it: there is one for each
// value of the bits that it sees. It returns the entries that begin with none.
func each[T any](h *huffman, entries []T, do func(value byte, length int, part []T)) []T {
	rest, values := entries, h.table[16:]
	for length := 1; len(entries)>>length > 0; length++ {
		width := len(entries) >> length
		for range h.table[length-1] {
			do(values[0], length, rest[:width])
			rest, values = rest[width:], values[1:]
		}
	}
	return rest
}

// Sizes of a difference and of a coefficient, of 8 bits a sample: others are damage.
const (
	mostDC = 11
	mostAC = 10
)

func (p *pair) build(dc, ac []byte) bool {
	if !p.dc.read(dc) || !p.ac.read(ac) {
		return false
	}
	clear(p.means[:])
	each(&p.dc, p.means[:], func(v byte, length int, part []C.int32_t) {
		extend(part, int(v), func(value int) int { return value<<8 | length + int(v) })
	})
	clear(p.lows[:])
	each(&p.ac, p.lows[:], func(v byte, length int, part []C.int32_t) {
		size, over := int(v&15), int(v>>4)+1
		if size == 0 && over < 16 {
			over = blockEnds
		}
		extend(part, size, func(value int) int { return value<<16 | over<<8 | length + size })
	})
	for i := range p.openings {
		p.openings[i] = p.opening(i)
	}
	p.walk(p.next[:], 0)
	fill(each(&p.dc, p.first[:], func(v byte, length int, part []C.int16_t) {
		if v > mostDC {
			fill(part, noStep)
		} else {
			p.behind(part, int(v), length+int(v)+1<<6)
		}
	}), noStep)
	return true
}

// opening reads as many codes as bits, of cn_low_peek, hold, up to the last coefficient that counts.
func (p *pair) opening(bits int) (o C.cn_opening) {
	for o.over < 4 {
		code := p.lows[bits<<o.bits&(1<<C.cn_low_peek-1)]
		if length := C.uint8_t(code & 255); code == 0 || o.bits+length > C.cn_low_peek { // 0s stand for what bits do not hold
			break
		} else {
			o.bits += length
		}
		o.over += C.uint8_t(code >> 8 & 255)
		switch value := C.int16_t(code >> 16); o.over {
		case 1:
			o.right = value
		case 2:
			o.lower = value
		case 4:
			o.both = value
		}
	}
	return o
}

// blockEnds is more coefficients than a block has left, in lows.
const blockEnds = 128

// extend makes the entries of a code for each value of the size bits behind it, where they see all of those, from what
// ITU-T T.81 F.2.2.1 makes of the value.
func extend(entries []C.int32_t, size int, entry func(value int) int) {
	width := len(entries) >> size
	for i := 0; width > 0 && i < 1<<size; i++ {
		value := i
		if 2*i < 1<<size && size > 0 {
			value += 1 - 1<<size
		}
		fill(entries[i*width:][:width], entry(value))
	}
}

const (
	noStep    = 64 << 6
	blockStep = -1 << 15 // added where the block ends
)

// walk makes the steps that begin with the codes of step before, whose bits entries do not see.
func (p *pair) walk(entries []C.int16_t, before int) {
	end := before
	if end == 0 {
		end = noStep
	}
	rest := each(&p.ac, entries, func(v byte, length int, part []C.int16_t) {
		size, run := int(v&15), int(v>>4)
		switch next := before + length + size; {
		case size > mostAC || before&63+length+size > C.cn_most:
			fill(part, end)
		case size == 0 && run != 15:
			fill(part, next+blockStep)
		case before>>6+run+1 > 63:
			fill(part, end)
		default:
			p.behind(part, size, next+(run+1)<<6)
		}
	})
	fill(rest, end)
}

// behind makes the steps behind a code, which go on after the size bits that belong to it where the entries see them all.
func (p *pair) behind(entries []C.int16_t, size, before int) {
	width := len(entries) >> size
	if width < 2 {
		fill(entries, before)
		return
	}
	for ; len(entries) > 0; entries = entries[width:] {
		p.walk(entries[:width], before)
	}
}

func fill[T C.int16_t | C.int32_t](entries []T, v int) {
	for i := range entries {
		entries[i] = T(v)
	}
}

// pairCache keeps the tables of recent pictures, the latest first: a camera uses the same ones in every frame.
type pairCache struct {
	pairs []*pair
	built int
}

const keptPairs = 4

// find returns two tables, nil where one of them is not a sound one.
func (c *pairCache) find(dc, ac []byte) *pair {
	for i, p := range c.pairs {
		if bytes.Equal(p.dc.table, dc) && bytes.Equal(p.ac.table, ac) {
			copy(c.pairs[1:], c.pairs[:i])
			c.pairs[0] = p
			return p
		}
	}
	var p *pair
	if len(c.pairs) < keptPairs {
		p = new(pair)
	} else {
		p = c.pairs[keptPairs-1]
		c.pairs = c.pairs[:keptPairs-1]
	}
	if !p.build(dc, ac) {
		return nil
	}
	c.built++
	p.number = c.built
	c.pairs = slices.Insert(c.pairs, 0, p)
	return p
}
