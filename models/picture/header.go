package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// header is what the markers of a JPEG tell before its first scan.
type header struct {
	width, height int
	components    int
	lossless      bool
	multiScan     bool // progressive, or a scan a component: all coefficients are in memory at once
	scans         int  // counted up to the end marker where multiScan, else 1
	tables        tables
	ended         bool // where multiScan: the end marker is there
	firstScan     int  // offset of the first SOS marker
	data          int  // offset of the first scan's data
	precision     int  // bits a sample
	parts         [3]component
	restart       int  // units between restart markers; 0: none
	notYCC        bool // the colours are said to be others than luma and chroma
	orientation   int  // EXIF, 1 … 8
}

// Markers of ITU-T T.81, table B.1.
const (
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDHT  = 0xc4
	markerDQT  = 0xdb
	markerDRI  = 0xdd
	markerJPG  = 0xc8
	markerDAC  = 0xcc
	markerAPP1 = 0xe1
	markerAPPE = 0xee
)

var errNoJPEGHeader = errors.New("the JPEG ends before its first scan")

// readHeader walks the markers of a JPEG up to its first scan. Like libjpeg it passes over bytes between segments.
func readHeader(b []byte) (header, error) {
	h := header{orientation: 1}
	for at := 2; ; {
		marker, next, ok := nextMarker(b, at)
		if !ok {
			return h, errNoJPEGHeader
		}
		at = next
		switch {
		case marker == markerEOI:
			return h, errNoJPEGHeader
		case marker == markerSOI, marker == 0x01, marker >= 0xd0 && marker <= 0xd7:
			continue // stand alone
		}
		if at+2 > len(b) {
			return h, errNoJPEGHeader
		}
		end := at + int(binary.BigEndian.Uint16(b[at:]))
		if end < at+2 || end > len(b) {
			return h, errNoJPEGHeader
		}
		body := b[at+2 : end]
		switch {
		case marker == markerSOS:
			h.firstScan, h.data = at-2, end
			return h, h.scan(b, body, end)
		case marker == markerDHT:
			h.tables.defineHuffman(body)
		case marker == markerDQT:
			h.tables.defineQuantisation(body)
		case marker == markerDRI && len(body) >= 2:
			h.restart = int(binary.BigEndian.Uint16(body))
		case marker == markerAPPE && len(body) >= 12 && string(body[:5]) == "Adobe":
			h.notYCC = h.notYCC || body[11] != 1
		case marker == markerAPP1:
			if o := orientation(body); o != 0 {
				h.orientation = o
			}
		case marker >= 0xc0 && marker <= 0xcf && marker != markerJPG && marker != markerDAC:
			if err := h.frame(marker, body); err != nil {
				return h, err
			}
		}
		at = end
	}
}

// nextMarker returns the first marker at or after at, and the offset behind it.
func nextMarker(b []byte, at int) (marker byte, next int, ok bool) {
	for at < len(b) {
		i := bytes.IndexByte(b[at:], 0xff)
		if i < 0 {
			return 0, 0, false
		}
		for at += i; at < len(b) && b[at] == 0xff; at++ {
		}
		if at < len(b) && b[at] != 0 {
			return b[at], at + 1, true
		}
	}
	return 0, 0, false
}

// frame reads a start-of-frame segment.
func (h *header) frame(marker byte, body []byte) error {
	if len(body) < 6 {
		return errNoJPEGHeader
	}
	h.height, h.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	h.precision, h.components = int(body[0]), int(body[5])
	for i, c := 0, body[6:]; i < len(h.parts) && len(c) >= 3; i, c = i+1, c[3:] {
		h.parts[i] = component{id: c[0], across: c[1] >> 4, down: c[1] & 15, quantise: c[2]}
	}
	h.notYCC = h.notYCC || h.parts[0].id == 'R' && h.parts[1].id == 'G' && h.parts[2].id == 'B'
	h.lossless = marker&3 == 3
	h.multiScan = marker&3 == 2
	h.tables.sequential = marker == 0xc0 || marker == 0xc1
	h.tables.useQuantisation(body)
	return nil
}

// scan reads the first start-of-scan segment, whose data begins at data, and counts scans where there may be more.
func (h *header) scan(b, body []byte, data int) error {
	if h.components == 0 || len(body) < 1 {
		return errNoJPEGHeader
	}
	h.multiScan = h.multiScan || int(body[0]) < h.components
	h.tables.useHuffman(body)
	h.entropy(body)
	h.scans = 1
	if !h.multiScan {
		return nil
	}
	for {
		marker, next, ok := nextMarker(b, data)
		if !ok || marker == markerEOI {
			h.ended = ok
			return nil
		}
		if marker == markerSOS {
			h.scans++
		}
		data = next
	}
}

// entropy reads the Huffman tables of each component from a start-of-scan segment; a scan that names its components in
// another order than the frame counts as one of several.
func (h *header) entropy(scan []byte) {
	for i, c := 0, scan[1:]; i < min(h.components, len(h.parts)); i, c = i+1, c[2:] {
		if len(c) < 2 || c[0] != h.parts[i].id {
			h.multiScan = true
			return
		}
		h.parts[i].dc, h.parts[i].ac = c[1]>>4&3, c[1]&3
	}
}

// orientation reads EXIF's orientation (tag 0x0112 of IFD 0) from an APP1 segment; 0 where it is not there.
func orientation(app1 []byte) int {
	tiff, ok := bytes.CutPrefix(app1, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x0112 {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}
