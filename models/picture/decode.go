package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"sync"

	"github.com/cachenet/cachenet/schemas"
)

// scratch is what one decoding needs besides its result; kept, so that a frame leaves no garbage.
type scratch struct {
	pixels  []byte // decoded
	stored  []byte // resampled, not yet upright
	resized resampler
	coarse  coarse
	why     [256]byte
}

// keep bounds the pixels that an idle scratch holds: one huge frame must not keep its memory allocated.
const keep = 8 << 20

var scratches = sync.Pool{New: func() any { return &scratch{} }}

// Decode writes the frame's pixels as the view shows them to dst, of v.Bytes() bytes. An error says what is wrong
// with the frame; dst then holds nothing of use.
func Decode(dst []byte, f *schemas.Frame, v View) error {
	if len(dst) != v.Bytes() {
		return fmt.Errorf("decode image: room for %d bytes, expected %d", len(dst), v.Bytes())
	}
	s := scratches.Get().(*scratch)
	err := s.decode(dst, f, v)
	if cap(s.pixels) > keep {
		s.pixels = nil
	}
	s.coarse.bits.trim(keep)
	scratches.Put(s)
	return err
}

var (
	pngSignature = []byte("\x89PNG\r\n\x1a\n")
	pngEnd       = []byte("\x00\x00\x00\x00IEND\xae\x42\x60\x82")
)

func (s *scratch) decode(dst []byte, f *schemas.Frame, v View) error {
	b := f.Image
	if f.Form == schemas.FormInput { // it is cropped already
		v.Resize, v.CropRatio = Stretch, 0
	}
	switch {
	case f.ContentType == schemas.RGB8:
		return s.raw(dst, f, v)
	case len(b) > 3 && b[0] == 0xff && b[1] == markerSOI && b[2] == 0xff:
		return s.jpeg(dst, b, v)
	case bytes.HasPrefix(b, pngSignature):
		return s.png(dst, b, v)
	case len(b) == 0:
		return errors.New("decode image: empty")
	case f.ContentType == schemas.JPEG || f.ContentType == schemas.PNG || f.ContentType == "":
		return fmt.Errorf("decode image: the bytes are %s: must be %s, %s or %s", http.DetectContentType(b), schemas.JPEG, schemas.PNG, schemas.RGB8)
	}
	return fmt.Errorf("content type %q: must be %s, %s or %s", f.ContentType, schemas.JPEG, schemas.PNG, schemas.RGB8)
}

func checkSize(width, height int) error {
	if width < 1 || height < 1 || width > maxPixels/height {
		return fmt.Errorf("image of %dx%d pixels: 1 to %d pixels are accepted", width, height, maxPixels)
	}
	return nil
}

func (s *scratch) raw(dst []byte, f *schemas.Frame, v View) error {
	w, h := int(f.Width), int(f.Height)
	if err := checkSize(w, h); err != nil {
		return err
	}
	if len(f.Image) != w*h*3 {
		return fmt.Errorf("%d bytes for %dx%d pixels: expected %d", len(f.Image), w, h, w*h*3)
	}
	s.show(dst, raster{pix: f.Image, width: w, height: h, channels: 3, stride: 3 * w}, v, v.box(w, h), 1)
	return nil
}

func (s *scratch) jpeg(dst, b []byte, v View) error {
	h, err := readHeader(b)
	if err != nil {
		return fmt.Errorf("decode image: %w", err)
	}
	if err := checkSize(h.width, h.height); err != nil {
		return err
	}
	if h.lossless {
		return errors.New("decode image: lossless JPEG is not supported")
	}
	if most := min(maxScans, maxScanPixels/(h.width*h.height)); h.scans > most {
		return fmt.Errorf("decode image: JPEG of %d scans: at most %d are accepted", h.scans, most)
	}
	where := h.box(v)
	d := where.shrink()
	if s.coarsely(dst, b, &h, d, v, where) {
		return nil
	}
	lib := turbo()
	if lib == nil {
		return s.jpegInGo(dst, b, h, v)
	}
	if where == (box{w: float64(h.width), h: float64(h.height), cols: h.width, rows: h.height, by: where.by}) && h.orientation == 1 &&
		h.components != 4 && len(dst) == 3*h.width*h.height {
		return wrap(lib.into(dst, b, h.width, h.height, 0, h.ownTables(), s))
	}
	defer reserve(h.footprint(d, 2))()
	r, err := lib.decode(b, h, d, s)
	if err != nil {
		return wrap(err)
	}
	s.show(dst, r, v, where.scaled(d), h.orientation)
	return nil
}

// coarsely shows a JPEG that the coarse decoder reads at 1/denominator; false where another one has to.
func (s *scratch) coarsely(dst, b []byte, h *header, denominator int, v View, where box) bool {
	if denominator < finest || h.multiScan {
		return false
	}
	blocks := int64(scaledSide(h.width, 8)) * int64(scaledSide(h.height, 8)*h.components)
	defer reserve(h.footprint(denominator, 0) + listed*blocks + int64(len(b)))()
	r, ok := s.coarse.decode(b, h, denominator, s)
	if ok {
		s.show(dst, r, v, where.scaled(denominator), h.orientation)
	}
	return ok
}

// box places the picture as it is stored in the view: exchanged axes are those of a picture that lies on its side.
func (h header) box(v View) box {
	if h.orientation < 5 {
		return v.box(h.width, h.height)
	}
	return v.box(h.height, h.width).transposed()
}

// footprint estimates the bytes that decoding at 1/denominator takes; coefficient is the size of one.
func (h header) footprint(denominator, coefficient int) int64 {
	need := int64(scaledSide(h.width, denominator)) * int64(scaledSide(h.height, denominator)) * int64(max(h.components, 3))
	if h.multiScan {
		need += int64(h.width) * int64(h.height) * int64(h.components*coefficient)
	}
	return need
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("decode image: %w", err)
	}
	return nil
}

func (s *scratch) png(dst, b []byte, v View) error {
	head, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return wrap(err)
	}
	if err := checkSize(head.Width, head.Height); err != nil {
		return err
	}
	defer reserve(8 * int64(head.Width) * int64(head.Height))()
	img, err := png.Decode(bytes.NewReader(b))
	if errors.Is(err, io.ErrUnexpectedEOF) { // all of its pixels may be there: libpng does without the end
		img, err = png.Decode(io.MultiReader(bytes.NewReader(b), bytes.NewReader(pngEnd)))
	}
	if err != nil {
		return wrap(err)
	}
	s.show(dst, s.raster(img), v, v.box(head.Width, head.Height), 1)
	return nil
}

// show brings the part b of a decoded picture to its place in dst, upright.
func (s *scratch) show(dst []byte, r raster, v View, b box, orientation int) {
	if v.Resize == Fit {
		clear(dst)
	}
	if orientation == 1 {
		s.place(dst[(b.top*v.Width+b.left)*3:], 3*v.Width, r, b)
		return
	}
	s.stored = resize(s.stored, b.cols*b.rows*3)
	s.place(s.stored, 3*b.cols, r, b)
	if orientation >= 5 {
		b.left, b.top = b.top, b.left
	}
	upright(dst[(b.top*v.Width+b.left)*3:], 3*v.Width, s.stored, b.cols, b.rows, orientation)
}

// place is show for a picture that is stored upright: a copy where the size is right already.
func (s *scratch) place(dst []byte, stride int, r raster, b box) {
	if b.x == 0 && b.y == 0 && b.w == float64(b.cols) && b.h == float64(b.rows) && r.width == b.cols && r.height == b.rows {
		for y := range b.rows {
			packRow(dst[y*stride:][:3*b.cols], r.pix[y*r.stride:], r.channels)
		}
	} else {
		s.resized.resample(dst, stride, r, b)
	}
	for y := 0; r.ycc && y < b.rows; y++ {
		toRGB(dst[y*stride:][:3*b.cols])
	}
}

// packRow copies pixels of channels bytes as RGB.
func packRow(dst, src []byte, channels int) {
	if channels == 3 {
		copy(dst, src)
		return
	}
	for i := 0; i+2 < len(dst); i += 3 {
		copy(dst[i:i+3], src[i/3*channels:])
	}
}
