package frames

import (
	"math"
	"math/rand/v2"
)

// backdrop is the ground behind everything: soft blotches that drift slowly.
type backdrop struct {
	base   colour
	grid   [7][7]colour // added to base
	driftX float64      // cells over the sequence, within ±1
	driftY float64
}

func newBackdrop(rng *rand.Rand, base colour) backdrop {
	b := backdrop{base: base, driftX: 2*rng.Float64() - 1, driftY: 2*rng.Float64() - 1}
	reach := between(rng, 0, 0.16)
	for y := range b.grid {
		for x := range b.grid[y] {
			grey := between(rng, -reach, reach)
			for i := range b.grid[y][x] {
				b.grid[y][x][i] = grey + between(rng, -reach, reach)/3
			}
		}
	}
	return b
}

func (b *backdrop) draw(c *canvas, t float64) {
	cells := float32(len(b.grid)-3) / float32(c.size)
	left, top := 1+float32(b.driftX*t), 1+float32(b.driftY*t)
	for y := range c.size {
		v := top + (float32(y)+0.5)*cells
		row, fy := int(v), v-float32(int(v))
		for x := range c.size {
			u := left + (float32(x)+0.5)*cells
			column, fx := int(u), u-float32(int(u))
			upper := b.grid[row][column].mix(b.grid[row][column+1], fx)
			lower := b.grid[row+1][column].mix(b.grid[row+1][column+1], fx)
			add := upper.mix(lower, fy)
			c.pixels[y*c.size+x] = colour{b.base[0] + add[0], b.base[1] + add[1], b.base[2] + add[2]}
		}
	}
}

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
		noise: 2 * float32(math.Exp(1.5*rng.Float64())),
	}
}

// expose turns the scene's colours into the pixels of c.out.
func (s *sensor) expose(c *canvas, t float64, rng *rand.Rand) {
	c.soften(float32(max(0, s.blur.at(t))))
	gain := 255 * float32(math.Exp(s.gain.at(t)))
	noise := s.noise * 0.68 // the sum of three uniform values in ±1 has a deviation of 1
	step := 1 / float32(c.size)
	for y := range c.size {
		for x := range c.size {
			light := gain * (1 + s.slopeX*((float32(x)+0.5)*step-0.5) + s.slopeY*((float32(y)+0.5)*step-0.5))
			p, bits := c.pixels[y*c.size+x], rng.Uint64()
			out := c.out.Pix[y*c.out.Stride+4*x:][:4]
			for i := range p {
				dice := float32(bits&127+bits>>7&127+bits>>14&127)/63.5 - 3
				out[i] = uint8(max(0, min(255, p[i]*s.cast[i]*light+noise*dice+0.5)))
				bits >>= 21
			}
			out[3] = 255
		}
	}
}

// soften blends the picture with its 3×3 binomial average.
func (c *canvas) soften(weight float32) {
	c.soften1(c.spare, c.pixels, 1, weight)
	c.soften1(c.pixels, c.spare, c.size, weight)
}

func (c *canvas) soften1(to, from []colour, step int, weight float32) {
	side := weight / 4
	for i, p := range from {
		a, b := p, p
		if along := i / step % c.size; along > 0 && along < c.size-1 {
			a, b = from[i-step], from[i+step]
		}
		for k := range p {
			to[i][k] = p[k] + side*(a[k]+b[k]-2*p[k])
		}
	}
}
