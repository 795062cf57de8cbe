package picture

import (
	"encoding/binary"
	"testing"
)

// opened is what the first bits of the codes of coefficients hold, read one by one: right, lower and both, the bits read, and over
// how many coefficients they step.
func opened(ac []byte, value uint16, width int) (low [5]int, bits, over int) {
	for over < 4 {
		n := naive{data: binary.BigEndian.AppendUint16(nil, value), at: bits}
		v := n.symbol(ac)
		if v < 0 || n.at+v&15 > width {
			break
		}
		coefficient := n.value(v & 15)
		if bits = n.at; v&15 == 0 && v>>4 < 15 {
			return low, bits, over + blockEnds
		}
		if over += v>>4 + 1; over < len(low) {
			low[over] = coefficient
		}
	}
	return low, bits, over
}

// What is looked up of a block's beginning is what reading its codes one by one gives.
func TestOpeningsAreThoseOfTheirCodes(t *testing.T) {
	for _, name := range []string{"jpeg-camera.jpg", "jpeg-exact.jpg"} {
		c, _, _ := prepared(t, corpus(t, name))
		for _, plane := range c.planes {
			open := 0
			for i, o := range plane.codes.openings {
				width := 0
				for 1<<width < len(plane.codes.openings) {
					width++
				}
				low, bits, over := opened(plane.codes.ac.table, uint16(i<<(16-width)), width)
				if int(o.right) != low[1] || int(o.lower) != low[2] || int(o.both) != low[4] || int(o.bits) != bits || min(int(o.over), blockEnds) != min(over, blockEnds) {
					t.Fatalf("%s, %0*b: %+v, want %v, %d bits, over %d", name, width, i, o, low, bits, over)
				}
				if over < 4 {
					open++
				}
			}
			if open == 0 || open == len(plane.codes.openings) {
				t.Errorf("%s: %d of %d openings leave more to read", name, open, len(plane.codes.openings))
			}
		}
	}
}
