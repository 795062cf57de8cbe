package frames

import (
	"math"
	"math/rand/v2"
)

// sensor is the light of a sequence and the camera that took it.
type sensor struct {
	gain   swing   // natural logarithm of the exposure
	cast   colour  // multiplies each channel
	slopeX float32 // light falls off across the frame: change over its width
	slopeY float32
	blur   swing   // 0 … 1, weight of a 3×3 binomial
	noise  float32 // standard deviation at 1/255 of white
}

func newSensor(rng *rand.Rand) sensor {
	dark := -1 * rng.Float64()
	soft := rng.Float64()
	return sensor{
		gain:   newSwing(rng, dark, dark+0.5*rng.Float64(), 0.2, 0.8),
		cast:   colour{between(rng, 0.8, 1.15), between(rng, 0.85, 1.1), between(rng, 0.8, 1.15)},
		slopeX: between(rng, -0.5, 0.5), slopeY: between(rng, -0.5, 0.5),
		blur:  newSwing(rng, 0.3*soft, soft, 0.2, 0.8),
		noise: 1.36 * float32(math.Exp(1.5*rng.Float64())),
	}
}

// expose turns the scene's colours into the pixels of c.out.
func (s *sensor) expose(c *canvas, t float64, rng *rand.Rand) {
	c.soften(float32(max(0, s.blur.at(t))))
	gain := 255 * float32(math.Exp(s.gain.at(t)))
	step := 1 / float32(c.size)
	for y := range c.height {
		for x := range c.width {
			light := gain * (1 + s.slopeX*((float32(x)+0.5)*step-0.5) + s.slopeY*((float32(y)+0.5)*step-0.5))
			p, bits := c.pixels[y*c.width+x], rng.Uint64()
			out := c.out.Pix[y*c.out.Stride+4*x:][:4]
			for i := range p {
				// Three uniform values in ±1: close to a normal one of deviation 1.
				dice := float32(bits&127+bits>>7&127+bits>>14&127)/63.5 - 3
				out[i] = uint8(max(0, min(255, p[i]*s.cast[i]*light+s.noise*dice+0.5)))
				bits >>= 21
			}
			out[3] = 255
		}
	}
}
