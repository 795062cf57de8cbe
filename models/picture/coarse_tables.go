package picture

import (
	"bytes"
	"slices"
)

// Bits that the tables look at: as many as keep all of them in a core's first cache.
const (
	dcBits   = 10
	acBits   = 11
	skipBits = 13
)

// blockEnds is added to the coefficients that an entry steps over where its last code is the end of the block.
const blockEnds = 128

// noCode is an entry of skip without a code: more coefficients than a block has.
const noCode = 255 << 8

// dcCodes decodes DC codes: of an entry the low 8 bits are the length of a code and the bits behind it, those above 8
// the difference. 0: no such code of that length.
type dcCodes struct {
	huffman
	short [1 << dcBits]int32
}

// acCodes decodes AC codes. An entry of short is one code: its length with the bits behind it (8 bits), the
// coefficients that it steps over (8 bits), and the last one's value. An entry of skip is as many codes as fit: the
// bits that they take (8 bits), and the coefficients that they step over.
type acCodes struct {
	huffman
	short [1 << acBits]int32
	skip  [1 << skipBits]uint16
}

// huffman is a table of ITU-T T.81, annex C: codes of a length are consecutive numbers, in the order of their values.
type huffman struct {
	table  []byte     // as the JPEG holds it: how many codes of each of 16 lengths, then their values
	limit  [17]uint32 // the first number, of 16 bits, above the codes of a length
	offset [17]int32  // what turns a code of a length into the place of its value
}

// read reports whether the table is a sound one.
func (h *huffman) read(table []byte) bool {
	if len(table) < 16 {
		return false
	}
	code, place := uint32(0), int32(0)
	for length := 1; length <= 16; length++ {
		h.offset[length] = place - int32(code)
		code += uint32(table[length-1])
		place += int32(table[length-1])
		if code > 1<<length {
			return false
		}
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	h.table = append(h.table[:0], table...)
	return int(place) <= 256 && len(table) >= 16+int(place)
}

// symbol decodes the value whose code acc begins with; the length is 0 where there is none.
func (h *huffman) symbol(acc uint64) (value byte, length uint) {
	next := uint32(acc >> 48)
	for length = 1; length <= 16; length++ {
		if next < h.limit[length] {
			return h.table[16+h.offset[length]+int32(next>>(16-length))], length
		}
	}
	return 0, 0
}

// extended reads the value of size bits behind the first used ones, as ITU-T T.81 F.2.2.1 extends it.
func extended(acc uint64, used, size uint) int32 {
	if size == 0 {
		return 0
	}
	v := int32(acc << used >> (64 - size))
	if v < 1<<(size-1) {
		v += -1<<size + 1
	}
	return v
}

// long decodes one code with the bits behind it, as an entry of short is.
func (d *dcCodes) long(acc uint64) int32 {
	size, length := d.symbol(acc)
	if length == 0 || size > 11 { // of 8 bits a sample
		return 0
	}
	return extended(acc, length, uint(size))<<8 | int32(length+uint(size))
}

func (a *acCodes) long(acc uint64) int32 {
	value, length := a.symbol(acc)
	run, size := int32(value>>4), uint(value&15)
	switch {
	case length == 0 || size > 10:
		return 0
	case size == 0 && run != 15:
		return blockEnds<<8 | int32(length)
	}
	return extended(acc, length, size)<<16 | (run+1)<<8 | int32(length+size)
}

func (d *dcCodes) build(table []byte) bool {
	if !d.read(table) {
		return false
	}
	for i := range d.short {
		if d.short[i] = d.long(uint64(i) << (64 - dcBits)); d.short[i]&31 > dcBits {
			d.short[i] = 0
		}
	}
	return true
}

func (a *acCodes) build(table []byte) bool {
	if !a.read(table) {
		return false
	}
	var one [1 << skipBits]uint16
	for i := range one {
		if e := a.long(uint64(i) << (64 - skipBits)); e&31 <= skipBits {
			one[i] = uint16(e)
		}
	}
	for i := range a.short {
		if a.short[i] = a.long(uint64(i) << (64 - acBits)); a.short[i]&31 > acBits {
			a.short[i] = 0
		}
	}
	for i := range a.skip {
		sum := one[i]
		for sum != 0 && sum>>8 < blockEnds {
			next := one[i<<(sum&15)&(1<<skipBits-1)]
			if next == 0 || sum&15+next&15 > skipBits || sum>>8+next>>8 >= blockEnds && next>>8 < blockEnds {
				break
			}
			sum += next
		}
		if sum == 0 {
			sum = noCode
		}
		a.skip[i] = sum
	}
	return true
}

// tableCache keeps the tables of recent pictures, the latest first: a camera uses the same ones in every frame.
type tableCache struct {
	dcs []*dcCodes
	acs []*acCodes
}

const keptTables = 4

// dc returns the decoder of a table, nil where the table is not a sound one.
func (t *tableCache) dc(table []byte) *dcCodes {
	return kept(&t.dcs, table, func(d *dcCodes) []byte { return d.table }, (*dcCodes).build)
}

func (t *tableCache) ac(table []byte) *acCodes {
	return kept(&t.acs, table, func(a *acCodes) []byte { return a.table }, (*acCodes).build)
}

func kept[T any](all *[]*T, table []byte, of func(*T) []byte, build func(*T, []byte) bool) *T {
	for i, t := range *all {
		if bytes.Equal(of(t), table) {
			copy((*all)[1:], (*all)[:i])
			(*all)[0] = t
			return t
		}
	}
	var t *T
	if len(*all) < keptTables {
		t = new(T)
	} else {
		t = (*all)[keptTables-1]
		*all = (*all)[:keptTables-1]
	}
	if !build(t, table) {
		return nil
	}
	*all = slices.Insert(*all, 0, t)
	return t
}
