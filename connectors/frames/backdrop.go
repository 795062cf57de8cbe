package frames

import "math/rand/v2"

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
	for y := range c.height {
		row, fy := b.cell(top + (float32(y)+0.5-float32(c.top))*cells)
		for x := range c.width {
			column, fx := b.cell(left + (float32(x)+0.5-float32(c.left))*cells)
			upper := b.grid[row][column].mix(b.grid[row][column+1], fx)
			lower := b.grid[row+1][column].mix(b.grid[row+1][column+1], fx)
			add := upper.mix(lower, fy)
			c.pixels[y*c.width+x] = colour{b.base[0] + add[0], b.base[1] + add[1], b.base[2] + add[2]}
		}
	}
}

// cell returns where a place lies between two points of the grid; beyond its edges the grid is mirrored.
func (b *backdrop) cell(v float32) (i int, between float32) {
	last := float32(len(b.grid) - 1)
	if v < 0 {
		v = -v
	}
	if v >= last {
		v = max(0, 2*last-v-1e-4)
	}
	return int(v), v - float32(int(v))
}
