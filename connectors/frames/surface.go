package frames

import (
	"math"
	"math/rand/v2"
)

// patterns are the surfaces that classes are made of.
var patterns = [...]string{"checked", "solid", "striped"}

// surface is the look of one object, constant over its sequence.
type surface struct {
	pattern        int     // index in patterns
	first, second  colour  // the solid surface has the first alone
	frequency      float32 // periods a unit
	phaseX, phaseY float32
	shadeX, shadeY float32 // brightness change a unit: the object's own shading
	pixels         float32 // how many a period covers; set for each frame
}

// newSurface draws a surface that stands out from the ground by low … high of brightness, and whose
// second colour stands out further.
func newSurface(rng *rand.Rand, pattern int, ground colour, low, high float32) surface {
	s := surface{pattern: pattern, first: apart(rng, ground, ground, low, high)}
	s.second = apart(rng, s.first, ground, 0.2, 0.45)
	s.frequency = between(rng, 1.05, 1.5)
	s.phaseX, s.phaseY = rng.Float32(), rng.Float32()
	s.shadeX, s.shadeY = between(rng, -0.15, 0.15), between(rng, -0.15, 0.15)
	return s
}

// colour returns the surface's colour at a point of the object's own space.
func (s *surface) colour(x, y float32) colour {
	weight := float32(0)
	switch patterns[s.pattern] {
	case "striped":
		weight = 0.5 + 0.5*s.wave(x, s.phaseX)
	case "checked":
		weight = 0.5 + 0.5*s.wave(x, s.phaseX)*s.wave(y, s.phaseY)
	}
	c := s.first.mix(s.second, weight)
	shade := 1 + s.shadeX*x + s.shadeY*y
	return colour{c[0] * shade, c[1] * shade, c[2] * shade}
}

// wave is a square wave in -1 … 1 whose edges are about a pixel wide; it fades where a period
// covers too few pixels to be seen.
func (s *surface) wave(x, phase float32) float32 {
	t := x*s.frequency + phase
	t -= float32(math.Floor(float64(t)))
	triangle := 1 - 4*float32(math.Abs(float64(t)-0.5))
	sharp := s.pixels / 2
	return max(-min(1, sharp), min(min(1, sharp), triangle*sharp))
}

// between draws from low … high.
func between(rng *rand.Rand, low, high float32) float32 { return low + (high-low)*rng.Float32() }

// newGround draws a colour that is either dark or bright, so that there is room for contrast.
func newGround(rng *rand.Rand) colour {
	brightness := between(rng, 0.12, 0.38)
	if rng.IntN(2) == 0 {
		brightness = 1 - brightness
	}
	return tinted(rng, brightness, 0.15)
}

// apart draws a colour that is low … high brighter than c where the ground is dark, and darker where
// it is bright.
func apart(rng *rand.Rand, c, ground colour, low, high float32) colour {
	step := between(rng, low, high)
	if ground.brightness() > 0.5 {
		step = -step
	}
	return tinted(rng, c.brightness()+step, 0.15)
}

func (c colour) brightness() float32 { return (c[0] + c[1] + c[2]) / 3 }

// tinted draws a colour of about that brightness.
func tinted(rng *rand.Rand, brightness, reach float32) colour {
	var c colour
	for i := range c {
		c[i] = max(0.02, min(1, brightness+between(rng, -reach, reach)))
	}
	return c
}
