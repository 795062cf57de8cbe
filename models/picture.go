package models

import (
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

// Picture is a frame that nets look at, each in its own view: it is decoded at most once for each. It keeps its
// buffers from frame to frame, so a loop over frames needs one. Its methods must not be called concurrently.
type Picture struct {
	frame *schemas.Frame
	looks []look // those of this frame first, then idle buffers
	n     int    // looks at this frame
}

type look struct {
	view   picture.View
	pixels []byte
	err    error
}

// Show turns to another frame; what Pixels returned before is no longer valid.
func (p *Picture) Show(f *schemas.Frame) { p.frame, p.n = f, 0 }

// Pixels returns the frame as a view shows it, valid until the next Show. It must not be changed.
func (p *Picture) Pixels(v picture.View) ([]byte, error) {
	for _, l := range p.looks[:p.n] {
		if l.view == v {
			return l.pixels, l.err
		}
	}
	if p.n == len(p.looks) {
		p.looks = append(p.looks, look{})
	}
	l := &p.looks[p.n]
	p.n++
	if size := v.Bytes(); cap(l.pixels) < size {
		l.pixels = make([]byte, size)
	}
	l.view, l.pixels = v, l.pixels[:v.Bytes()]
	l.err = picture.Decode(l.pixels, p.frame, v)
	return l.pixels, l.err
}
