package models

import (
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// thumbnail is how a glance sees a frame; a JPEG is decoded at 1/8 for it where that leaves enough.
var thumbnail = picture.View{Width: policy.ThumbnailSide, Height: policy.ThumbnailSide}

var thumbnails = sync.Pool{New: func() any { return new([policy.ThumbnailSide * policy.ThumbnailSide * 3]byte) }}

// Glance looks at a frame as far as it takes to tell whether it is nearly equal to another one. That of a frame that
// cannot be decoded has no picture.
func Glance(f *schemas.Frame) policy.Glance {
	g := policy.Glance{Sum: xxhash.Sum64(f.Image), At: f.EventTime.UnixMilli()}
	rgb := thumbnails.Get().(*[policy.ThumbnailSide * policy.ThumbnailSide * 3]byte)
	defer thumbnails.Put(rgb)
	if picture.Decode(rgb[:], f, thumbnail) != nil {
		return g
	}
	g.Seen = true
	for i := range g.Picture { // luma of BT.601, as JPEG has it
		r, gr, b := int(rgb[3*i]), int(rgb[3*i+1]), int(rgb[3*i+2])
		g.Picture[i] = byte((77*r + 150*gr + 29*b + 128) >> 8)
	}
	return g
}
