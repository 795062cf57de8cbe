package picture

import (
	"bytes"
	"image"
	"image/jpeg"
	"slices"
)

// jpegInGo decodes a JPEG without libjpeg-turbo: at full size, with image/jpeg, several times slower.
func (s *scratch) jpegInGo(dst, b []byte, h header, v View) error {
	defer reserve(h.footprint(1, 4))()
	img, err := jpeg.Decode(bytes.NewReader(completed(b, h)))
	if err != nil {
		return wrap(err)
	}
	s.show(dst, s.raster(img), v, h.box(v), h.orientation)
	return nil
}

// completed adds what libjpeg does without and image/jpeg does not: Huffman tables and an end marker.
func completed(b []byte, h header) []byte {
	b = slices.Concat(b, []byte{0xff, markerEOI})
	if h.tables.huffman != 0 {
		return b
	}
	return slices.Insert(b, h.firstScan, standardTables()...)
}

// chroma reads a colour plane at a pixel: as libjpeg does, where two pixels share a sample the nearer one counts three
// times as much as the next.
func chroma(p *image.YCbCr, plane []byte, x, y int) byte {
	var halfX, halfY bool
	switch p.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		halfX, halfY = true, true
	case image.YCbCrSubsampleRatio422:
		halfX = true
	case image.YCbCrSubsampleRatio440:
		halfY = true
	default:
		return plane[p.COffset(x, y)]
	}
	nextX, nextY := next(x, p.Rect.Min.X, p.Rect.Max.X, halfX), next(y, p.Rect.Min.Y, p.Rect.Max.Y, halfY)
	at := func(x, y int) int { return int(plane[p.COffset(x, y)]) }
	return byte((9*at(x, y) + 3*at(nextX, y) + 3*at(x, nextY) + at(nextX, nextY) + 8) >> 4)
}

// next is a coordinate whose sample is the neighbour that counts; itself at the edge, or where no pixels share one.
func next(x, first, end int, half bool) int {
	if !half {
		return x
	}
	if n := x - 1 + 2*(x&1); n >= first && n < end {
		return n
	}
	return x
}
