package frames

import (
	"image"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/vector"
)

// colour is linear red, green and blue; 0 is black and 1 the sensor's white.
type colour [3]float32

func (c colour) mix(d colour, w float32) colour {
	return colour{c[0] + (d[0]-c[0])*w, c[1] + (d[1]-c[1])*w, c[2] + (d[2]-c[2])*w}
}

// canvas is the buffer in which a sequence renders its frames, one after the other. Frame space is the unit square: the largest
// centred square of the picture, which extends beyond it.
type canvas struct {
	width, height int
	size          int      // pixels that are one unit of frame space: the shorter side
	left, top     float64  // pixels where frame space begins
	pixels        []colour // rows top to bottom
	spare         []colour
	mask          *image.Alpha
	raster        *vector.Rasterizer
	out           *image.RGBA
}

func newCanvas(width, height int) *canvas {
	size := min(width, height)
	return &canvas{
		width: width, height: height, size: size,
		left: float64(width-size) / 2, top: float64(height-size) / 2,
		pixels: make([]colour, width*height),
		spare:  make([]colour, width*height),
		mask:   image.NewAlpha(image.Rect(0, 0, width, height)),
		raster: vector.NewRasterizer(width, height),
		out:    image.NewRGBA(image.Rect(0, 0, width, height)),
	}
}

// affine maps an object's own space to frame space: (x, y) → (a·x+b·y+x0, c·x+d·y+y0).
type affine struct{ a, b, c, d, x0, y0 float64 }

// at places an object of the given radius at a point, turned by angle and seen at a slant: squashed
// to the share slant along the direction view.
func at(p point, radius, angle, slant, view float64) affine {
	sv, cv := math.Sincos(view)
	sa, ca := math.Sincos(angle)
	xx, xy, yy := cv*cv+slant*sv*sv, (1-slant)*sv*cv, sv*sv+slant*cv*cv
	return affine{
		radius * (xx*ca + xy*sa), radius * (xy*ca - xx*sa),
		radius * (xy*ca + yy*sa), radius * (yy*ca - xy*sa),
		p.x, p.y,
	}
}

func (m affine) apply(p point) point {
	return point{m.a*p.x + m.b*p.y + m.x0, m.c*p.x + m.d*p.y + m.y0}
}

func (m affine) inverse() affine {
	det := m.a*m.d - m.b*m.c
	a, b, c, d := m.d/det, -m.b/det, -m.c/det, m.a/det
	return affine{a, b, c, d, -(a*m.x0 + b*m.y0), -(c*m.x0 + d*m.y0)}
}

// fill draws an outline with anti-aliased edges; surface gives the colour at a point of the object's
// own space.
func (c *canvas) fill(o outline, m affine, surface func(x, y float32) colour) {
	area := c.trace(o, m)
	back, step := m.inverse(), 1/float64(c.size)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		p := back.apply(point{(float64(area.Min.X) + 0.5 - c.left) * step, (float64(y) + 0.5 - c.top) * step})
		for x := area.Min.X; x < area.Max.X; x++ {
			if cover := c.mask.Pix[y*c.mask.Stride+x]; cover != 0 {
				i := y*c.width + x
				c.pixels[i] = c.pixels[i].mix(surface(float32(p.x), float32(p.y)), float32(cover)/255)
			}
			p.x += back.a * step
			p.y += back.c * step
		}
	}
}

// trace renders an outline's coverage into the mask and returns the part of the frame it can touch.
func (c *canvas) trace(o outline, m affine) image.Rectangle {
	c.raster.Reset(c.width, c.height)
	c.raster.DrawOp = draw.Src
	scale := float64(c.size)
	low, high := point{float64(c.width), float64(c.height)}, point{}
	for _, contour := range o {
		for i, p := range contour {
			p = m.apply(p)
			p.x, p.y = p.x*scale+c.left, p.y*scale+c.top
			low.x, low.y = min(low.x, p.x), min(low.y, p.y)
			high.x, high.y = max(high.x, p.x), max(high.y, p.y)
			if i == 0 {
				c.raster.MoveTo(float32(p.x), float32(p.y))
			} else {
				c.raster.LineTo(float32(p.x), float32(p.y))
			}
		}
		c.raster.ClosePath()
	}
	c.raster.Draw(c.mask, c.mask.Rect, image.Opaque, image.Point{})
	area := image.Rect(int(low.x)-1, int(low.y)-1, int(high.x)+2, int(high.y)+2)
	return area.Intersect(c.mask.Rect)
}

// soften blends the picture with its 3×3 binomial average.
func (c *canvas) soften(weight float32) {
	c.softenAlong(c.spare, c.pixels, 1, c.width, weight)
	c.softenAlong(c.pixels, c.spare, c.width, c.height, weight)
}

// softenAlong averages each pixel with its neighbours step before and after it, of which there are so many: 1 for the
// neighbours in its row, the width for those in its column. The frame's border has none on one side and stays.
func (c *canvas) softenAlong(to, from []colour, step, many int, weight float32) {
	side := weight / 4
	for i, p := range from {
		a, b := p, p
		if along := i / step % many; along > 0 && along < many-1 {
			a, b = from[i-step], from[i+step]
		}
		for k := range p {
			to[i][k] = p[k] + side*(a[k]+b[k]-2*p[k])
		}
	}
}
