package picture

// A JPEG decoded at 1/8 or 1/4 needs only the lowest coefficients of each block of 8 x 8 pixels, but libjpeg decodes
// them all: on frames of cameras that is most of its time. Here the other coefficients are skipped, several at once,
// and what is left is the mean of each block, or of its quarters. Only the JPEGs that cameras send are read so:
// Huffman coded in one scan, grey or YCbCr. Whatever else a JPEG holds, or is damaged, is left to libjpeg.

// finest is the smallest denominator of a scale that the lowest coefficients are enough for.
const finest = 4

// component is one of the planes of a JPEG, as its frame and scan headers describe it.
type component struct {
	id, across, down, quantise byte // its sampling factors and the number of its quantisation table
	dc, ac                     byte // the numbers of its Huffman tables
}

// plane is what decoding keeps of a component.
type plane struct {
	dc     *dcCodes
	ac     *acCodes
	across int // blocks in a unit
	down   int
	// the pixels that a block fills at this scale, a side: 1, 2 or 4
	wide, high int
	// what a step of a coefficient adds to the mean of the block's upper left quarter, in 8,192ths of a level
	mean, right, lower, both int
	before                   int // the DC coefficient of the block before
}

// placed is a block of a unit: at is the offset of its first byte from the first of the unit's.
type placed struct {
	of *plane
	at int
}

// coarse is a decoder of such JPEGs, kept for its buffers and tables.
type coarse struct {
	bits   bitReader
	ends   []int // of the restart intervals in the bits' data, bytes
	planes [3]plane
	blocks []placed // of one unit (MCU), in the order in which they are stored
	tables tableCache
}

// decode decodes a JPEG at 1/denominator to YCbCr or grey in the scratch; false where libjpeg has to.
func (c *coarse) decode(b []byte, h *header, denominator int, s *scratch) (raster, bool) {
	if denominator < finest || !c.plan(h, 8/denominator) || !c.unstuff(b[h.data:]) {
		return raster{}, false
	}
	r := raster{width: scaledSide(h.width, denominator), height: scaledSide(h.height, denominator), channels: 3, ycc: h.components == 3}
	unitWidth, unitHeight := c.planes[0].across*c.planes[0].wide, c.planes[0].down*c.planes[0].high
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
		p := &c.planes[i]
		*p = plane{across: int(part.across), down: int(part.down)}
		p.wide, p.high = side*int(first.across/part.across), side*int(first.down/part.down)
		p.dc, p.ac = c.tables.dc(t.codes(0, part.dc)), c.tables.ac(t.codes(1, part.ac))
		if p.dc == nil || p.ac == nil || !p.weigh(t.quantisers[part.quantise&3]) {
			return false
		}
	}
	return true
}

// lowest holds the first coefficients of a block in zigzag order: its mean (0), the lowest across (1) and down (2), one
// that does not count, and the lowest in both directions (4).
type lowest [5]int

// What these coefficients add to the mean of the upper left quarter of their block, in 8,192ths: of cos((2x+1)π/16), the
// mean over the x of one half, 0.6407, with the factors of the transform (ITU-T T.81, A.3.3).
const (
	perMean = 1024 // 1/8
	perHalf = 928  // 1/4 · √½ · 0.6407
	perBoth = 841  // 1/4 · 0.6407²
)

// weigh reads a quantisation table: its precision, then 64 numbers of one or two bytes.
func (p *plane) weigh(table []byte) bool {
	if len(table) == 0 {
		return false
	}
	step := func(k int) int {
		if table[0]>>4 == 0 {
			return int(table[1+k])
		}
		return int(table[1+2*k])<<8 | int(table[2+2*k])
	}
	p.mean = perMean * step(0)
	if p.wide > 1 {
		p.right = perHalf * step(1)
	}
	if p.high > 1 {
		p.lower = perHalf * step(2)
	}
	if p.wide > 1 && p.high > 1 {
		p.both = perBoth * step(4)
	}
	return true
}

// scan decodes all units into r; false where the data is damaged, or ends elsewhere than it should. Each interval of so
// many units begins anew.
func (c *coarse) scan(r raster, columns, rows, every int) bool {
	start, unitWidth := 0, 3*c.planes[0].across*c.planes[0].wide
	unitRow := c.planes[0].down * c.planes[0].high * r.stride
	for interval, end := range c.ends {
		c.bits.start(start)
		for i := range c.planes {
			c.planes[i].before = 0
		}
		for n := interval * every; n < min((interval+1)*every, columns*rows); n++ {
			if !c.unit(r.pix[n/columns*unitRow+n%columns*unitWidth:], r.stride, r.ycc) {
				return false
			}
		}
		if !c.bits.endsAt(end) {
			return false
		}
		start = end
	}
	return true
}

// place lists the blocks of a unit, whose channels are those of the pixels.
func (c *coarse) place(components, stride int) {
	c.blocks = c.blocks[:0]
	for i := range components {
		p := &c.planes[i]
		for v := range p.down {
			for u := range p.across {
				c.blocks = append(c.blocks, placed{of: p, at: v*p.high*stride + 3*u*p.wide + i})
			}
		}
	}
}

// unit decodes the blocks of one unit, whose pixels begin at pix.
func (c *coarse) unit(pix []byte, stride int, colours bool) bool {
	for i := range c.blocks {
		p := c.blocks[i].of
		var low lowest
		if !c.bits.block(p, &low) {
			return false
		}
		p.before += low[0]
		low[0] = p.before
		if colours {
			p.paint(pix[c.blocks[i].at:], stride, &low)
		} else {
			p.paintGrey(pix[c.blocks[i].at:], stride, &low)
		}
	}
	return true
}

// quarters are the means of a block's four quarters: left and right of the upper, then of the lower half.
func (p *plane) quarters(low *lowest) [4]byte {
	mean := low[0]*p.mean + 128<<13 + 1<<12
	right, lower, both := low[1]*p.right, low[2]*p.lower, low[4]*p.both
	return [4]byte{level(mean + right + lower + both), level(mean - right + lower - both),
		level(mean + right - lower - both), level(mean - right - lower + both)}
}

func level(v int) byte { return byte(min(max(v>>13, 0), 255)) }

// paint writes a block to one channel of the pixels that it fills.
func (p *plane) paint(pix []byte, stride int, low *lowest) {
	if p.wide == 1 && p.high == 1 {
		pix[0] = level(low[0]*p.mean + 128<<13 + 1<<12)
		return
	}
	q := p.quarters(low)
	switch {
	case p.wide == 2 && p.high == 2:
		pix[0], pix[3] = q[0], q[1]
		pix = pix[stride:]
		pix[0], pix[3] = q[2], q[3]
		return
	case p.wide == 4 && p.high == 4:
		for y := range 4 {
			row := pix[y*stride:][:10]
			a, b := q[y&2], q[y&2|1]
			row[0], row[3], row[6], row[9] = a, a, b, b
		}
		return
	}
	for y := range p.high {
		for x := range p.wide {
			pix[y*stride+3*x] = q[2*y/p.high*2+2*x/p.wide]
		}
	}
}

func (p *plane) paintGrey(pix []byte, stride int, low *lowest) {
	q := p.quarters(low)
	for y := range p.high {
		for x := range p.wide {
			v := q[2*y/p.high*2+2*x/p.wide]
			px := pix[y*stride+3*x:][:3]
			px[0], px[1], px[2] = v, v, v
		}
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
