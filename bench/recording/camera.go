package recording

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"

	"golang.org/x/image/draw"
)

// camera takes a small rendered frame at the size in which cameras send theirs: enlarged, with the noise of a sensor, as
// JPEG. Noise and quality are set so that a frame takes as many bytes as one of a common camera: about 49 kB at 640×480
// and 129 kB at 1280×720. Entropy decoding, the floor of what decoding costs, follows the bytes.
type camera struct {
	rng   *rand.Rand
	grain []int8
	big   *image.RGBA
	out   *image.YCbCr
}

const (
	grainSize   = 1 << 18
	jpegQuality = 84
)

// grainSigma is the deviation of the sensor's noise in levels of 255.
func grainSigma(height int) float64 {
	if height >= 720 {
		return 4.75
	}
	return 5.3
}

func newCamera(width, height int, seed, stream uint64) *camera {
	r, sigma := image.Rect(0, 0, width, height), grainSigma(height)
	c := &camera{
		rng: rand.New(rand.NewPCG(seed, stream)), grain: make([]int8, grainSize),
		big: image.NewRGBA(r), out: image.NewYCbCr(r, image.YCbCrSubsampleRatio420),
	}
	for i := range c.grain {
		c.grain[i] = int8(max(-127, min(127, c.rng.NormFloat64()*sigma)))
	}
	return c
}

// shoot returns the JPEG of a frame given as JPEG.
func (c *camera) shoot(small []byte) ([]byte, error) {
	img, err := jpeg.Decode(bytes.NewReader(small))
	if err != nil {
		return nil, err
	}
	// the nets look at the middle of a wide frame: left and right of it the picture's margins continue
	margin := (c.big.Rect.Dx() - c.big.Rect.Dy()) / 2
	middle := c.big.Rect
	middle.Min.X, middle.Max.X = max(0, margin), c.big.Rect.Dx()-max(0, margin)
	draw.ApproxBiLinear.Scale(c.big, middle, img, img.Bounds(), draw.Src, nil)
	c.extend(middle)
	c.expose()
	var b bytes.Buffer
	err = jpeg.Encode(&b, c.out, &jpeg.Options{Quality: jpegQuality})
	return b.Bytes(), err
}

// extend repeats the outermost pixels of the middle to both sides.
func (c *camera) extend(middle image.Rectangle) {
	for y := range c.big.Rect.Dy() {
		row := c.big.Pix[y*c.big.Stride : y*c.big.Stride+4*c.big.Rect.Dx()]
		for x := range middle.Min.X {
			copy(row[4*x:], row[4*middle.Min.X:4*middle.Min.X+4])
		}
		for x := middle.Max.X; x < c.big.Rect.Dx(); x++ {
			copy(row[4*x:4*x+4], row[4*middle.Max.X-4:])
		}
	}
}

// expose turns the enlarged frame into what the sensor reports: grain on the brightness of each pixel.
func (c *camera) expose() {
	width, height := c.big.Rect.Dx(), c.big.Rect.Dy()
	for y := range height {
		row, at := c.big.Pix[y*c.big.Stride:], c.rng.IntN(grainSize-width)
		for x := range width {
			luma, cb, cr := color.RGBToYCbCr(row[4*x], row[4*x+1], row[4*x+2])
			c.out.Y[y*c.out.YStride+x] = uint8(max(0, min(255, int(luma)+int(c.grain[at+x]))))
			if y%2 == 0 && x%2 == 0 {
				i := y/2*c.out.CStride + x/2
				c.out.Cb[i], c.out.Cr[i] = cb, cr
			}
		}
	}
}
