package picture

import (
	"image"
	"image/color"
)

// raster reads a picture of the standard library: colours as they are stored, whatever their alpha.
func (s *scratch) raster(img image.Image) raster {
	b := img.Bounds()
	r := raster{width: b.Dx(), height: b.Dy(), channels: 4}
	switch p := img.(type) {
	case *image.RGBA: // opaque, from either package
		r.pix, r.stride = p.Pix[p.PixOffset(b.Min.X, b.Min.Y):], p.Stride
		return r
	case *image.NRGBA:
		r.pix, r.stride = p.Pix[p.PixOffset(b.Min.X, b.Min.Y):], p.Stride
		return r
	}
	r.channels, r.stride = 3, 3*r.width
	s.pixels = resize(s.pixels, r.stride*r.height)
	r.pix = s.pixels
	at := stored(img)
	for y := range r.height {
		row := r.pix[y*r.stride:]
		for x := range r.width {
			row[3*x], row[3*x+1], row[3*x+2] = at(b.Min.X+x, b.Min.Y+y)
		}
	}
	return r
}

// stored returns a reader of colours as the picture stores them, 8 bits a channel.
func stored(img image.Image) func(x, y int) (r, g, b byte) {
	switch p := img.(type) {
	case *image.Gray:
		return func(x, y int) (byte, byte, byte) { v := p.Pix[p.PixOffset(x, y)]; return v, v, v }
	case *image.Gray16: // big endian
		return func(x, y int) (byte, byte, byte) { v := p.Pix[p.PixOffset(x, y)]; return v, v, v }
	case *image.RGBA64:
		return func(x, y int) (byte, byte, byte) { i := p.PixOffset(x, y); return p.Pix[i], p.Pix[i+2], p.Pix[i+4] }
	case *image.NRGBA64:
		return func(x, y int) (byte, byte, byte) { i := p.PixOffset(x, y); return p.Pix[i], p.Pix[i+2], p.Pix[i+4] }
	case *image.YCbCr: // as image/jpeg gives it
		return func(x, y int) (byte, byte, byte) {
			return color.YCbCrToRGB(p.Y[p.YOffset(x, y)], chroma(p, p.Cb, x, y), chroma(p, p.Cr, x, y))
		}
	case *image.Paletted:
		return func(x, y int) (byte, byte, byte) { return storedColour(p.Palette[p.Pix[p.PixOffset(x, y)]]) }
	}
	return func(x, y int) (byte, byte, byte) { return storedColour(img.At(x, y)) }
}

func storedColour(c color.Color) (r, g, b byte) {
	switch c := c.(type) {
	case color.NRGBA:
		return c.R, c.G, c.B
	case color.RGBA:
		return c.R, c.G, c.B
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return n.R, n.G, n.B
}
