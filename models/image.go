package models

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the formats a frame may come in
	_ "image/png"
	"sync"

	"golang.org/x/image/draw"

	"github.com/cachenet/cachenet/schemas"
)

// MaxPixels caps the declared size of a frame before anything is allocated for it.
const MaxPixels = 64 << 20

// large is held while an image of more than largePixels is decoded, so that memory is needed for one at a time: a
// few hundred bytes may declare a progressive JPEG that takes a gigabyte.
var large sync.Mutex

const largePixels = 16 << 20

// Pixels decodes a frame and scales it to size: RGB, rows top to bottom, height·width·3 bytes. Scaling
// is bilinear with support grown for shrinking, which is what Pillow's BILINEAR does in training.
func Pixels(f *schemas.Frame, size InputSize) ([]byte, error) {
	switch f.ContentType {
	case schemas.RGB8:
		return rawPixels(f, size)
	case schemas.JPEG, schemas.PNG:
	case "":
		return nil, errors.New("no content-type header")
	default:
		return nil, fmt.Errorf("content type %q: must be %s, %s or %s", f.ContentType, schemas.JPEG, schemas.PNG, schemas.RGB8)
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(f.Image))
	if err != nil {
		return nil, fmt.Errorf("decode image: %w", err)
	}
	if "image/"+format != f.ContentType {
		return nil, fmt.Errorf("content type %q: the image is image/%s", f.ContentType, format)
	}
	if err := checkSize(head.Width, head.Height); err != nil {
		return nil, err
	}
	if head.Width*head.Height > largePixels {
		large.Lock()
		defer large.Unlock()
	}
	img, _, err := image.Decode(bytes.NewReader(f.Image))
	if err != nil {
		return nil, fmt.Errorf("decode image: %w", err)
	}
	return scaled(img, size), nil
}

func checkSize(width, height int) error {
	if width < 1 || height < 1 || width > MaxPixels/height {
		return fmt.Errorf("image of %dx%d pixels: 1 to %d pixels are accepted", width, height, MaxPixels)
	}
	return nil
}

func rawPixels(f *schemas.Frame, size InputSize) ([]byte, error) {
	w, h := int(f.Width), int(f.Height)
	if err := checkSize(w, h); err != nil {
		return nil, err
	}
	if len(f.Image) != w*h*3 {
		return nil, fmt.Errorf("%d bytes for %dx%d pixels: expected %d", len(f.Image), w, h, w*h*3)
	}
	if w == size.Width && h == size.Height {
		return f.Image, nil
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(img.Pix[4*i:], f.Image[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	return scaled(img, size), nil
}

// scaled renders img at size without its alpha.
func scaled(img image.Image, size InputSize) []byte {
	b := img.Bounds()
	if y, ok := img.(*image.YCbCr); ok && b.Dx() == size.Width && b.Dy() == size.Height {
		return fromYCbCr(y)
	}
	rgba := image.NewRGBA(image.Rect(0, 0, size.Width, size.Height))
	if b.Dx() == size.Width && b.Dy() == size.Height {
		draw.Draw(rgba, rgba.Bounds(), img, b.Min, draw.Src)
	} else {
		draw.BiLinear.Scale(rgba, rgba.Bounds(), img, b, draw.Src, nil)
	}
	out := make([]byte, 0, size.Bytes())
	for i := 0; i < len(rgba.Pix); i += 4 {
		out = append(out, rgba.Pix[i], rgba.Pix[i+1], rgba.Pix[i+2])
	}
	return out
}

// fromYCbCr is the path of nearly all frames: a JPEG of the right size.
func fromYCbCr(y *image.YCbCr) []byte {
	b := y.Bounds()
	out := make([]byte, 0, b.Dx()*b.Dy()*3)
	for row := b.Min.Y; row < b.Max.Y; row++ {
		for col := b.Min.X; col < b.Max.X; col++ {
			yi, ci := y.YOffset(col, row), y.COffset(col, row)
			red, green, blue := color.YCbCrToRGB(y.Y[yi], y.Cb[ci], y.Cr[ci])
			out = append(out, red, green, blue)
		}
	}
	return out
}
