package picture

// #cgo noescape cn_blocks
// #cgo nocallback cn_blocks
// #cgo noescape cn_paint
// #cgo nocallback cn_paint
// #include "blocks.h"
import "C"

// A JPEG decoded at 1/8 or 1/4 needs only the lowest coefficients of each block of 8 x 8 pixels, but libjpeg decodes
// them all: on frames of cameras that is most of its time. Here the other coefficients are skipped, several at once,
// and what is left is the mean of each block, or of its quarters. Only the JPEGs that cameras send are read so:
// Huffman coded in one scan, grey or YCbCr. Whatever else a JPEG holds, or is damaged, is left to libjpeg. First all blocks
// of an interval are found, then the lowest coefficients of each are read (blocks.c).

// finest is the smallest denominator of a scale that the lowest coefficients are enough for.
const finest = 4

// component is one of the planes of a JPEG, as its frame and scan headers describe it.
type component struct {
	id, across, down, quantise byte // its sampling factors and the number of its quantisation table
	dc, ac                     byte // the numbers of its Huffman tables
}

// plane is what decoding keeps of a component.
type plane struct {
	codes        *pair
	across, down int // blocks in a unit
}

// coarse is a decoder of such JPEGs, kept for its buffers and tables.
type coarse struct {
	bits    bitReader
	ends    []int // of the restart intervals in the bits' data, bytes
	planes  [3]plane
	paints  [3]C.cn_plane
	tables  pairCache
	of      [maxUnit]int // the number of the pair of each block whose tables the lookups are
	lookups C.cn_lookups
}

// maxUnit is how many blocks a unit (MCU) has at most, of those that are decoded here.
const maxUnit = 6

// decode decodes a JPEG at 1/denominator to YCbCr or grey in the scratch; false where libjpeg has to.
func (c *coarse) decode(b []byte, h *header, denominator int, s *scratch) (raster, bool) {
	if denominator < finest || !c.plan(h, 8/denominator) || !c.unstuff(b[h.data:]) {
		return raster{}, false
	}
	r := raster{width: scaledSide(h.width, denominator), height: scaledSide(h.height, denominator), channels: 3, ycc: h.components == 3}
	unitWidth, unitHeight := c.planes[0].across*int(c.paints[0].wide), c.planes[0].down*int(c.paints[0].high)
	columns, rows := scaledSide(r.width, unitWidth), scaledSide(r.height, unitHeight)
	every := h.restart
	if every == 0 {
		every = columns * rows
	}
	if len(c.ends) != scaledSide(columns*rows, every) {
		return raster{}, false
	}
	r.stride = 3 * columns * unitWidth
	s.pixels = resize(s.pixels, r.stride*rows*unitHeight)
	r.pix = s.pixels
	c.place(h.components, r.stride)
	c.arrange(h.components)
	return r, c.scan(r, columns, rows, every)
}

// plan looks at the headers: side is the number of pixels, 1 or 2, that a block of the first component fills a side.
func (c *coarse) plan(h *header, side int) bool {
	t, parts := &h.tables, h.parts
	if !t.sequential || h.multiScan || h.precision != 8 || h.components != 1 && (h.components != 3 || h.notYCC) {
		return false
	}
	if h.components == 1 { // its sampling factors mean nothing
		parts[0].across, parts[0].down = 1, 1
	}
	first := parts[0]
	for i, part := range parts[:h.components] {
		// the colours may be halved in either direction, and no more
		if first.across < 1 || first.across > 2 || first.down < 1 || first.down > 2 || i > 0 && (part.across != 1 || part.down != 1) {
			return false
		}
		p := plane{c.tables.find(t.codes(0, part.dc), t.codes(1, part.ac)), int(part.across), int(part.down)}
		c.planes[i] = p
		if p.codes == nil || !weigh(&c.paints[i], t.quantisers[part.quantise&3], side*int(first.across/part.across), side*int(first.down/part.down)) {
			return false
		}
	}
	return true
}

// What these coefficients add to the mean of the upper left quarter of their block, in 8,192ths: of cos((2x+1)π/16), the
// mean over the x of one half, 0.6407, with the factors of the transform (ITU-T T.81, A.3.3).
const (
	perMean = 1024 // 1/8
	perHalf = 928  // 1/4 · √½ · 0.6407
	perBoth = 841  // 1/4 · 0.6407²
)

// weigh reads a quantisation table (its precision, then 64 numbers of one or two bytes in zigzag order) for a plane whose
// blocks fill that many pixels a side. The coefficients that count are the mean (0), the lowest across (1), down (2), and in
// both directions (4).
func weigh(p *C.cn_plane, table []byte, wide, high int) bool {
	if len(table) == 0 {
		return false
	}
	step := func(k int) C.int64_t {
		if table[0]>>4 == 0 {
			return C.int64_t(table[1+k])
		}
		return C.int64_t(table[1+2*k])<<8 | C.int64_t(table[2+2*k])
	}
	*p = C.cn_plane{wide: C.int64_t(wide), high: C.int64_t(high), mean: perMean * step(0)}
	if wide > 1 {
		p.right = perHalf * step(1)
	}
	if high > 1 {
		p.lower = perHalf * step(2)
	}
	if wide > 1 && high > 1 {
		p.both = perBoth * step(4)
	}
	return true
}

// scan decodes all units into r; false where the data is damaged, or ends elsewhere than it should. Each interval of so
// many units starts again.
func (c *coarse) scan(r raster, columns, rows, every int) bool {
	copies, height := C.int(1), c.planes[0].down*int(c.paints[0].high)*r.stride
	if !r.ycc {
		copies = 3
	}
	start := 0
	for interval, end := range c.ends {
		from, to := interval*every, min((interval+1)*every, columns*rows)
		if !c.bits.find(&c.lookups, start, end, (to-from)*int(c.lookups.unit)) {
			return false
		}
		for i := range c.paints {
			c.paints[i].before = 0
		}
		C.cn_paint(&c.lookups, bytesOf(r.pix), C.int64_t(r.stride), C.int64_t(r.stride/columns), C.int64_t(height), C.int64_t(columns), copies,
			&c.paints[0], bytesOf(c.bits.data[start:]), intsOf(c.bits.begins), C.int64_t(from), C.int64_t(to))
		start = end
	}
	return true
}

// place lists the blocks of a unit, whose channels are those of the pixels.
func (c *coarse) place(components, stride int) {
	n := 0
	for i := range components {
		p, paint := c.planes[i], c.paints[i]
		for v := range p.down {
			for u := range p.across {
				at := v*int(paint.high)*stride + 3*u*int(paint.wide) + i
				c.lookups.blocks[n] = C.cn_block{plane: C.int32_t(i), at: C.int32_t(at)}
				n++
			}
		}
	}
	c.lookups.unit = C.int64_t(n)
}

// arrange puts the tables of the picture side by side, where they are not yet.
func (c *coarse) arrange(components int) {
	t := &c.lookups
	var of [maxUnit]int
	for i := range of[:t.unit] {
		of[i] = c.planes[t.blocks[i].plane].codes.number
	}
	if of == c.of {
		return
	}
	c.of = of
	for i, p := range c.planes[:components] {
		slot := 0
		for c.planes[slot].codes != p.codes { // the two of colours have the same, which are in a core's cache once
			slot++
		}
		t.slots[i] = C.int64_t(slot)
		copy(t.steps[2*i<<C.cn_peek:], p.codes.first[:])
		copy(t.steps[(2*i+1)<<C.cn_peek:], p.codes.next[:])
		copy(t.means[i<<C.cn_mean_peek:], p.codes.means[:])
		copy(t.lows[i<<C.cn_low_peek:], p.codes.lows[:])
		copy(t.openings[i<<C.cn_low_peek:], p.codes.openings[:])
	}
	var own [2 * maxUnit]C.uint32_t
	for i := range int(t.unit) {
		plane := int(t.blocks[i].plane)
		codes, slot := c.planes[plane].codes, t.slots[plane]
		t.codes[2*i], t.codes[2*i+1] = codes.dc.codes, codes.ac.codes
		own[2*i], own[2*i+1] = C.uint32_t(2*slot<<C.cn_peek), C.uint32_t((2*slot+1)<<C.cn_peek)
	}
	for i := range t.turns {
		t.turns[i] = own[i%int(2*t.unit)]
	}
}

// toRGB turns YCbCr into RGB in place, as JFIF has it.
func toRGB(pix []byte) {
	for ; len(pix) >= 3; pix = pix[3:] {
		y, cb, cr := int(pix[0])<<16+1<<15, int(pix[1])-128, int(pix[2])-128
		pix[0] = byte(min(max((y+91881*cr)>>16, 0), 255))
		pix[1] = byte(min(max((y-22554*cb-46802*cr)>>16, 0), 255))
		pix[2] = byte(min(max((y+116130*cb)>>16, 0), 255))
	}
}
