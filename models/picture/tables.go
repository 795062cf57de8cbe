package picture

import "sync"

// tables says which tables a JPEG of one scan defines and uses: a bit for each. Decoders keep tables from one picture to
// the next, so one that uses what it does not define would get those of a picture before it, of another stream maybe.
type tables struct {
	huffman, usedHuffman   uint8 // bits 0–3 for DC tables, 4–7 for AC tables
	quantise, usedQuantise uint8
	sequential             bool // Huffman coded, not progressive

	codesAt    [8][]byte // the Huffman tables, in the order of the bits: 16 counts, then as many values as they sum to
	quantisers [4][]byte // precision and number, then 64 numbers of one or two bytes
}

// standard is what MJPEG leaves out.
var standard = sync.OnceValue(func() (t tables) {
	t.defineHuffman(standardTables()[4:])
	return t
})

// codes returns a Huffman table, of class 0 for DC and 1 for AC; nil where it is not defined.
func (t *tables) codes(class, number byte) []byte {
	if t.huffman == 0 {
		s := standard()
		return s.codesAt[class<<2|number&3]
	}
	return t.codesAt[class<<2|number&3]
}

// ownTables reports whether the picture is known to define what it uses. What later scans use is not looked at.
func (h header) ownTables() bool {
	t := h.tables
	return t.sequential && !h.multiScan && t.usedHuffman&^t.huffman == 0 && t.usedQuantise&^t.quantise == 0
}

// defineHuffman reads a DHT segment: class and number of a table, 16 counts, and as many values as they sum to.
func (t *tables) defineHuffman(body []byte) {
	for len(body) >= 17 {
		values := 0
		for _, n := range body[1:17] {
			values += int(n)
		}
		table := body[0]>>4&1<<2 | body[0]&3
		t.huffman |= 1 << table
		t.codesAt[table] = body[1:min(17+values, len(body))]
		body = body[min(17+values, len(body)):]
	}
}

// defineQuantisation reads a DQT segment: precision and number of a table, and 64 numbers of one or two bytes.
func (t *tables) defineQuantisation(body []byte) {
	for len(body) >= 65 {
		t.quantise |= 1 << (body[0] & 3)
		size := 65
		if body[0]>>4 != 0 {
			size = 129
		}
		if len(body) >= size {
			t.quantisers[body[0]&3] = body[:size]
		}
		body = body[min(size, len(body)):]
	}
}

// useQuantisation reads the table of each component from a start-of-frame segment.
func (t *tables) useQuantisation(frame []byte) {
	for c := frame[6:]; len(c) >= 3; c = c[3:] {
		t.usedQuantise |= 1 << (c[2] & 3)
	}
}

// useHuffman reads the tables of each component from a start-of-scan segment.
func (t *tables) useHuffman(scan []byte) {
	for c := scan[1:min(len(scan), 1+2*int(scan[0]))]; len(c) >= 2; c = c[2:] {
		t.usedHuffman |= 1<<(c[1]>>4&3) | 1<<(4|c[1]&3)
	}
}
