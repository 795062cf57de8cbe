package frames

import (
	"math"
	"math/rand/v2"
)

// scene is one sequence: what is constant over it, and how the rest moves.
type scene struct {
	frames   int
	object   actor
	backdrop backdrop
	clutter  []actor // behind the object
	front    []actor // passing in front of it
	sensor   sensor
}

// actor is a shape and its motion over the sequence.
type actor struct {
	outline outline
	surface surface
	from    point // at time 0, frame space
	to      point // at time 1
	sway    swing // across the way
	near    swing // radius, frame widths
	turn    swing // radians, in addition to the steady spin
	angle   float64
	spin    float64 // radians over the whole sequence
	slant   swing   // share squashed away
	view    float64 // direction of the squash, radians
}

// swing is a value that oscillates: mid ± reach, over time in sequences.
type swing struct{ mid, reach, rate, phase float64 }

func (s swing) at(t float64) float64 {
	return s.mid + s.reach*math.Sin(2*math.Pi*(s.rate*t+s.phase))
}

// newSwing draws a swing between two values that makes low … high rounds a sequence.
func newSwing(rng *rand.Rand, from, to, low, high float64) swing {
	return swing{
		mid: (from + to) / 2, reach: (to - from) / 2,
		rate: low + (high-low)*rng.Float64(), phase: rng.Float64(),
	}
}

func newScene(rng *rand.Rand, o outline, pattern int) *scene {
	ground := newGround(rng)
	s := &scene{
		frames:   30 + rng.IntN(11),
		object:   newObject(rng, o, newSurface(rng, pattern, ground, 0.12, 0.35)),
		backdrop: newBackdrop(rng, ground),
		sensor:   newSensor(rng),
	}
	for range rng.IntN(5) {
		s.clutter = append(s.clutter, newClutter(rng, ground))
	}
	if rng.Float64() < 0.35 {
		s.front = append(s.front, newPasser(rng, ground))
	}
	return s
}

// newObject draws the object that the frames are labelled with: it approaches and recedes, moves, turns and tilts.
func newObject(rng *rand.Rand, o outline, s surface) actor {
	far := float64(between(rng, 0.19, 0.28))
	near := far + float64(between(rng, 0.03, 0.18))
	tilt := float64(between(rng, 0, 0.4))
	return actor{
		outline: o, surface: s,
		from:  point{0.5 + rng.NormFloat64()*0.08, 0.5 + rng.NormFloat64()*0.08},
		to:    point{0.5 + rng.NormFloat64()*0.08, 0.5 + rng.NormFloat64()*0.08},
		sway:  newSwing(rng, -0.06, 0.06, 0.3, 1.2),
		near:  newSwing(rng, far, near, 0.3, 0.9),
		turn:  newSwing(rng, -0.15, 0.15, 0.3, 1.2),
		angle: rng.NormFloat64() * 0.3, spin: rng.NormFloat64() * 0.4,
		slant: newSwing(rng, 0, tilt, 0.2, 0.7), view: rng.Float64() * math.Pi,
	}
}

// newClutter draws a small unlabelled shape that drifts behind the object.
func newClutter(rng *rand.Rand, ground colour) actor {
	p := point{rng.Float64(), rng.Float64()}
	radius := float64(between(rng, 0.04, 0.15))
	return actor{
		outline: rubble(rng), surface: newSurface(rng, rng.IntN(len(patterns)), ground, -0.1, 0.2),
		from: p, to: point{p.x + rng.NormFloat64()*0.1, p.y + rng.NormFloat64()*0.1},
		near: swing{mid: radius}, angle: rng.Float64() * 2 * math.Pi,
	}
}

// newPasser draws an unlabelled shape that crosses the middle of the frame in front of the object.
func newPasser(rng *rand.Rand, ground colour) actor {
	sin, cos := math.Sincos(rng.Float64() * 2 * math.Pi)
	aside, reach := rng.NormFloat64()*0.15, 0.35+0.5*rng.Float64()
	when := rng.Float64() // the time it is in the middle
	start, end := -reach*2*when, reach*2*(1-when)
	return actor{
		outline: rubble(rng), surface: newSurface(rng, rng.IntN(len(patterns)), ground, 0.05, 0.3),
		from: point{0.5 + cos*start - sin*aside, 0.5 + sin*start + cos*aside},
		to:   point{0.5 + cos*end - sin*aside, 0.5 + sin*end + cos*aside},
		near: swing{mid: float64(between(rng, 0.12, 0.26))}, angle: rng.Float64() * 2 * math.Pi,
	}
}

// rubble returns an irregular polygon.
func rubble(rng *rand.Rand) outline {
	n := 3 + rng.IntN(4)
	points := make([]point, n)
	for i := range points {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) + 0.7*rng.Float64()) / float64(n))
		radius := 0.5 + 0.6*rng.Float64()
		points[i] = point{radius * cos, radius * sin}
	}
	return outline{points}
}

// draw paints the actor as it is at time t in 0 … 1.
func (a *actor) draw(c *canvas, t float64) {
	dx, dy := a.to.x-a.from.x, a.to.y-a.from.y
	sway, radius := a.sway.at(t), a.near.at(t)
	p := point{a.from.x + dx*t + sway, a.from.y + dy*t - sway}
	m := at(p, radius, a.angle+a.spin*t+a.turn.at(t), 1-a.slant.at(t), a.view)
	s := a.surface
	s.pixels = float32(radius*float64(c.size)) / s.frequency
	c.fill(a.outline, m, s.colour)
}

// draw renders frame i with the sensor's noise.
func (s *scene) draw(c *canvas, i int, rng *rand.Rand) {
	s.paint(c, s.time(i))
	s.sensor.expose(c, s.time(i), rng)
}

// time is the time of frame i, in 0 … 1.
func (s *scene) time(i int) float64 { return float64(i) / float64(s.frames-1) }

// paint renders the scene at a time.
func (s *scene) paint(c *canvas, t float64) {
	s.backdrop.draw(c, t)
	for j := range s.clutter {
		s.clutter[j].draw(c, t)
	}
	s.object.draw(c, t)
	for j := range s.front {
		s.front[j].draw(c, t)
	}
}
