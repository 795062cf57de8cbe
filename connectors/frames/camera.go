package frames

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"iter"
	"math"
	"math/rand/v2"

	"github.com/cachenet/cachenet/schemas"
)

// Camera says how a camera films scenes: the pictures are rendered at a quarter of its size, enlarged as a lens would,
// and get the noise of its sensor at full size.
type Camera struct {
	Width, Height int     // pixels, multiples of 8 from 128 to 2048
	Quality       int     // of the JPEG, 1 … 100; 0: 75
	Noise         float64 // times the noise of each scene's sensor; 0: none
}

// DefaultCamera sends frames of about 25 KB, as many surveillance cameras do.
var DefaultCamera = Camera{Width: 640, Height: 360, Quality: 75, Noise: 1}

// coarse is how many pixels of the camera one rendered pixel is wide.
const coarse = 4

type filmed struct {
	*scenes
	camera Camera
	grain  []int8 // normal values, 32 for one deviation
}

// grainBytes is the length of the noise that is laid over frames, row by row, from places drawn at random.
const grainBytes = 1 << 16

// Filmed renders the scenes of [Scenes], seed by seed, as a camera sends them. The square that Scenes shows is in the
// middle of the picture, as high as it is (as wide, where it is upright).
func Filmed(c Camera) (Source, error) {
	for _, side := range []int{c.Width, c.Height} {
		if side < 128 || side > 2048 || side%8 != 0 {
			return nil, fmt.Errorf("render camera frames: %d x %d pixels: choose multiples of 8 from 128 to 2048", c.Width, c.Height)
		}
	}
	if c.Quality == 0 {
		c.Quality = DefaultCamera.Quality
	}
	if c.Quality < 1 || c.Quality > 100 || !(c.Noise >= 0 && c.Noise <= 20) {
		return nil, fmt.Errorf("render camera frames: quality %d, noise %g: choose 1 to 100, and 0 to 20", c.Quality, c.Noise)
	}
	f := &filmed{scenes: allScenes(DefaultSize), camera: c, grain: make([]int8, grainBytes)}
	rng := newRand("grain")
	for i := range f.grain {
		f.grain[i] = int8(max(-127, min(127, math.Round(32*rng.NormFloat64()))))
	}
	return f, nil
}

func (f *filmed) Play(class int, seed uint64) iter.Seq2[Image, error] {
	return func(yield func(Image, error) bool) {
		rng := newRand("scene", uint64(class), seed)
		s := newScene(rng, f.outline[class], f.pattern[class])
		c := newCanvas(f.camera.Width/coarse, f.camera.Height/coarse)
		e := newExposure(c, f.camera.Width, f.camera.Height)
		for i := range s.frames {
			s.paint(c, s.time(i))
			s.sensor.develop(c, e, s.time(i))
			e.enlarge(f.grain, float64(s.sensor.noise)*f.camera.Noise, rng)
			var encoded bytes.Buffer
			if err := jpeg.Encode(&encoded, e.out, &jpeg.Options{Quality: f.camera.Quality}); err != nil {
				yield(Image{}, fmt.Errorf("encode a scene: %w", err))
				return
			}
			if !yield(Image{encoded.Bytes(), schemas.JPEG}, nil) {
				return
			}
		}
	}
}

// exposure is a picture in YCbCr: brightness, and two colour differences at half the size.
type exposure struct {
	small [3]plane // as rendered: Y, Cb, Cr in 1/16 levels
	out   *image.YCbCr
	rows  [2][]int32 // two enlarged rows of small, between which rows of out lie
}

// plane is one component of a picture, and how it is enlarged.
type plane struct {
	width, height int
	pix           []int32
	across, down  []place // of each pixel of the enlarged picture
}

// place lies between pixel i of the small picture and the next one, so many 256ths of the way.
type place struct{ i, next, weight int32 }

// places returns where the centres of the pixels lie that n pixels become: pixel x at (x + ½)/times - ½.
func places(n, times int) []place {
	all := make([]place, n*times)
	for x := range all {
		at := max(0, 2*x+1-times) // in 1/(2·times)
		i := at / (2 * times)
		all[x] = place{int32(i), int32(min(i+1, n-1)), int32(at % (2 * times) * 256 / (2 * times))}
	}
	return all
}

func newExposure(c *canvas, width, height int) *exposure {
	e := &exposure{out: image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)}
	for i := range e.small {
		times := coarse
		if i > 0 {
			times = coarse / 2
		}
		e.small[i] = plane{c.width, c.height, make([]int32, c.width*c.height), places(c.width, times), places(c.height, times)}
	}
	for i := range e.rows {
		e.rows[i] = make([]int32, width)
	}
	return e
}

// develop turns the scene's colours into brightness and differences of colour (JFIF's), without noise.
func (s *sensor) develop(c *canvas, e *exposure, t float64) {
	c.soften(float32(max(0, s.blur.at(t))))
	gain := 255 * float32(math.Exp(s.gain.at(t)))
	step := 1 / float32(c.size)
	for y := range c.height {
		down := s.slopeY * ((float32(y)+0.5-float32(c.top))*step - 0.5)
		for x := range c.width {
			light := max(0, gain*(1+s.slopeX*((float32(x)+0.5-float32(c.left))*step-0.5)+down))
			i := y*c.width + x
			var rgb [3]float32
			for k, p := range c.pixels[i] {
				rgb[k] = max(0, min(255, p*s.cast[k]*light))
			}
			luma := 0.299*rgb[0] + 0.587*rgb[1] + 0.114*rgb[2]
			e.small[0].pix[i] = int32(16 * luma)
			e.small[1].pix[i] = int32(16 * (128 + (rgb[2]-luma)/1.772))
			e.small[2].pix[i] = int32(16 * (128 + (rgb[0]-luma)/1.402))
		}
	}
}

// enlarge brings the picture to the camera's size and adds noise: of that deviation, in levels, to the brightness, and
// half of it to the colours, which are averages of neighbours.
func (e *exposure) enlarge(grain []int8, noise float64, rng *rand.Rand) {
	e.enlargePlane(&e.small[0], e.out.Y, e.out.YStride, grain, noise, rng)
	e.enlargePlane(&e.small[1], e.out.Cb, e.out.CStride, grain, noise/2, rng)
	e.enlargePlane(&e.small[2], e.out.Cr, e.out.CStride, grain, noise/2, rng)
}

func (e *exposure) enlargePlane(p *plane, out []uint8, stride int, grain []int8, noise float64, rng *rand.Rand) {
	width := len(p.across)
	above, below := e.rows[0][:width], e.rows[1][:width]
	share := int32(noise * 8) // of a grain of 32 for one deviation: in 1/256 levels
	at := int32(-1)
	for y, row := range p.down {
		if row.i != at {
			p.enlargeRow(above, row.i)
			p.enlargeRow(below, row.next)
			at = row.i
		}
		start := int(rng.Uint32() % uint32(grainBytes-width))
		line, dots := out[y*stride:][:width], grain[start:][:width]
		for x := range line {
			v := above[x]<<4 + (below[x]-above[x])*row.weight>>4 // in 1/256 levels
			line[x] = uint8(max(0, min(255<<8, v+int32(dots[x])*share)) >> 8)
		}
	}
}

// enlargeRow enlarges one row in its own direction.
func (p *plane) enlargeRow(out []int32, row int32) {
	from := p.pix[int(row)*p.width:][:p.width]
	for x, a := range p.across {
		v := from[a.i]
		out[x] = v + (from[a.next]-v)*a.weight>>8
	}
}
