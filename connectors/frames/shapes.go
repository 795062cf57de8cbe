package frames

import "math"

// point is a position, either in an object's own space, where the object about fills the unit
// circle, or in frame space, where the frame is the unit square; x points right and y down.
type point struct{ x, y float64 }

// outline is the border of a shape: closed contours. A contour that runs the other way is a hole.
type outline [][]point

// shape is one of the outlines that classes are made of.
type shape struct {
	name    string
	outline outline
}

// shapes returns four families of four. The members of a family differ only in detail, so that
// classes are confused within groups and a specialist for one group has an advantage.
func shapes() []shape {
	return []shape{
		{"disc", outline{arc(0, 0.95, 0, 2*math.Pi)}},
		{"ring", outline{arc(0, 0.98, 0, 2*math.Pi), arc(0, 0.42, 2*math.Pi, 0)}},
		{"crescent", outline{append(arc(0.1, 1, 0.84, 2*math.Pi-0.84), arc(0.77, 0.745, 2*math.Pi-1.57, 1.57)...)}},
		{"half", outline{arc(-0.4, 1.05, -math.Pi/2, math.Pi/2)}},

		{"triangle", outline{star(3, 1.15, 0.575)}},
		{"square", outline{star(4, 1.1, 1.1*math.Cos(math.Pi/4))}},
		{"pentagon", outline{star(5, 1.05, 1.05*math.Cos(math.Pi/5))}},
		{"hexagon", outline{star(6, 1, math.Cos(math.Pi/6))}},

		{"star4", outline{star(4, 1.15, 0.5)}},
		{"star5", outline{star(5, 1.12, 0.52)}},
		{"star6", outline{star(6, 1.1, 0.6)}},
		{"gear", outline{star(8, 1.05, 0.75)}},

		{"plus", outline{{
			{-1, -.34}, {-.34, -.34}, {-.34, -1}, {.34, -1}, {.34, -.34}, {1, -.34},
			{1, .34}, {.34, .34}, {.34, 1}, {-.34, 1}, {-.34, .34}, {-1, .34},
		}}},
		{"tee", outline{{
			{-.95, -.9}, {.95, -.9}, {.95, -.22}, {.34, -.22}, {.34, .95}, {-.34, .95}, {-.34, -.22}, {-.95, -.22},
		}}},
		{"ell", outline{{
			{-.8, -.95}, {-.12, -.95}, {-.12, .22}, {.85, .22}, {.85, .9}, {-.8, .9},
		}}},
		{"arrow", outline{{
			{0, -1.05}, {.95, -.05}, {.34, -.05}, {.34, .95}, {-.34, .95}, {-.34, -.05}, {-.95, -.05},
		}}},
	}
}

// arc returns points on a circle about (x, 0) from one angle to another, in radians.
func arc(x, radius, from, to float64) []point {
	n := 4 + int(math.Abs(to-from)*4)
	points := make([]point, n+1)
	for i := range points {
		sin, cos := math.Sincos(from + (to-from)*float64(i)/float64(n))
		points[i] = point{x + radius*cos, radius * sin}
	}
	return points
}

// star returns a star with n tips; with inner = outer*cos(π/n) it is a regular polygon.
func star(n int, outer, inner float64) []point {
	points := make([]point, 2*n)
	for i := range points {
		radius := outer
		if i%2 == 1 {
			radius = inner
		}
		sin, cos := math.Sincos(math.Pi * float64(i) / float64(n))
		points[i] = point{radius * sin, -radius * cos}
	}
	return points
}
