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
	orientation   int  // EXIF, 1 … 8
}

// Markers of ITU-T T.81, table B.1.
const (
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDHT  = 0xc4
	markerDQT  = 0xdb
	markerJPG  = 0xc8
	markerDAC  = 0xcc
	markerAPP1 = 0xe1
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
			h.firstScan = at - 2
			return h, h.scan(b, body, end)
		case marker == markerDHT:
			h.tables.defineHuffman(body)
		case marker == markerDQT:
			h.tables.defineQuantisation(body)
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
	h.components = int(body[5])
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
