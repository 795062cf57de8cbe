package picture

// tables says which tables a JPEG of one scan defines and uses: a bit for each. Decoders keep tables from one picture to
// the next, so one that uses what it does not define would get those of a picture before it, of another stream maybe.
type tables struct {
	huffman, usedHuffman   uint8 // bits 0–3 for DC tables, 4–7 for AC tables
	quantise, usedQuantise uint8
	sequential             bool // Huffman coded, not progressive
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
		t.huffman |= 1 << (body[0]>>4&1<<2 | body[0]&3)
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
