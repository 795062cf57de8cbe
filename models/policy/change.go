package policy

import (
	"encoding/binary"
	"math"
)

// Sight is what [Nets] may be too: they show the picture that the nets see. Streams of those that do not are never asked
// about because of it.
type Sight interface {
	// Picture returns the frame at hand on a small scale; false: it could not be decoded.
	Picture() (*Thumbnail, bool)
}

// Shot is the picture of the last frame that the full model gave a class. That of a new class takes the limit of the one that it pushes out.
type Shot struct {
	Class   uint16 // of its answer, plus one; 0: there is none
	Picture Thumbnail
	Limit   float32 // difference, in shades, from which a hit on that class is confirmed
}

// shots is how many classes of a stream, the last ones that the full model answered, have their picture kept.
const shots = 2

// A hit whose picture differs from the last one in which the full model saw the same class by more than is usual for the stream is
// confirmed: the camera was turned, the scene was cut, something large came in. What is usual follows the stream: the limit rises with each
// confirmation that finds the hit right and falls with each hit, so that in the long run one right hit in changeEvery exceeds it, however much
// the pictures move. A confirmation that finds the hit wrong was worth its price, and lowers the limit.
const (
	changeEvery = 150
	changeStep  = 0.15 // of the limit's logarithm with a confirmation
	firstLimit  = 20   // shades, of 256, in the mean over the picture
	leastLimit  = 4    // noise and light are below it
	mostLimit   = 300  // one step above the largest difference
)

// What the limit is multiplied by after a hit, and after a confirmation that found one right, or wrong.
var (
	stepDown  = float32(math.Exp(-changeStep / changeEvery))
	stepUp    = float32(math.Exp(changeStep - changeStep/changeEvery))
	stepWrong = 1 / stepUp
)

// step is what the limit is multiplied by for a frame that the full model gave a class.
func (d *Decision) step(class int) float32 {
	switch {
	case !d.changed:
		return 1
	case class == d.Small.Class:
		return stepUp
	}
	return stepWrong
}

// shot returns where the picture of a class is kept, nil where it is not.
func (s *State) shot(class int) *Shot {
	for i := range s.Shots {
		if s.Shots[i].Class == uint16(class+1) {
			return &s.Shots[i]
		}
	}
	return nil
}

// changed reports whether a hit on that class is confirmed because of its picture.
func (p *Policy) changed(s *State, nets Nets, class int) bool {
	last := s.shot(class)
	if last == nil || !p.confirming() {
		return false
	}
	now, seen := sight(nets)
	return seen && difference(&last.Picture, now) >= last.Limit
}

// unchanged lowers the limit of a class after a hit on it that was not confirmed. The first hit of a stream that the full model
// has not answered yet is what later ones are compared with.
func (p *Policy) unchanged(s *State, nets Nets, class int) {
	if s.Shots[0].Class == 0 {
		p.keep(s, nets, class, 1)
	} else if last := s.shot(class); last != nil {
		last.Limit = max(leastLimit, last.Limit*stepDown)
	}
}

// keep keeps the picture of a frame that the full model answers, and multiplies the limit of its class by step.
func (p *Policy) keep(s *State, nets Nets, class int, step float32) {
	if !p.confirming() {
		return
	}
	now, seen := sight(nets)
	if !seen {
		return
	}
	last := s.shot(class)
	if last == nil {
		limit := s.Shots[shots-1].Limit
		copy(s.Shots[1:], s.Shots[:shots-1])
		last = &s.Shots[0]
		*last = Shot{Class: uint16(class + 1), Limit: limit}
		if limit == 0 {
			last.Limit = firstLimit
		}
	}
	last.Picture = *now
	last.Limit = min(mostLimit, max(leastLimit, last.Limit*step))
}

func sight(nets Nets) (*Thumbnail, bool) {
	if v, ok := nets.(Sight); ok {
		return v.Picture()
	}
	return nil, false
}

// difference is the mean over the fields of two pictures, in shades.
func difference(a, b *Thumbnail) float32 {
	sum := 0
	for i, v := range a {
		d := int(v) - int(b[i])
		sum += max(d, -d)
	}
	return float32(sum) / float32(len(a))
}

// Reduce makes a thumbnail of a picture of width × height pixels in RGB, row by row. Each field is the mean of four pixels
// of its part of the picture, whatever the size: more of them cost time and tell little.
func (t *Thumbnail) Reduce(rgb []byte, width, height int) {
	var columns [2 * ThumbnailSide]int
	for i := range columns {
		columns[i] = 3 * (i * width / len(columns))
	}
	for i := range ThumbnailSide {
		upper, lower := rgb[3*width*(2*i*height/len(columns)):], rgb[3*width*((2*i+1)*height/len(columns)):]
		fields := t[i*ThumbnailSide:][:ThumbnailSide]
		if width == len(columns) && len(lower) > 3*width { // not the last row: it has nothing behind it
			reducePairs(fields, upper, lower)
			continue
		}
		var sums [ThumbnailSide]uint32
		for _, row := range [...][]byte{upper[:3*width], lower[:3*width]} {
			for k, x := range columns {
				p := row[x : x+3 : x+3]
				sums[k/2] += luma(uint32(p[0]), uint32(p[1]), uint32(p[2]))
			}
		}
		for k, sum := range sums {
			fields[k] = byte(sum >> 10)
		}
	}
}

// reducePairs reduces two rows whose pixels lie side by side, two pixels of each at a time.
func reducePairs(fields, upper, lower []byte) {
	const size, even = 6, 0x00ff00ff00ff00ff
	for k := range fields {
		u, l := binary.LittleEndian.Uint64(upper), binary.LittleEndian.Uint64(lower) // and two bytes of the next pair
		upper, lower = upper[size:], lower[size:]
		a := u&even + l&even       // r, b, next g
		c := u>>8&even + l>>8&even // g, next r, next b
		r, g, b := a+c>>16, c+a>>32, a>>16+c>>32
		fields[k] = byte(luma(uint32(r&0xffff), uint32(g&0xffff), uint32(b&0xffff)) >> 10)
	}
}

// luma is that of BT.601, times 256.
func luma(r, g, b uint32) uint32 { return 77*r + 150*g + 29*b }

// sound reports whether a policy of that many classes can have left the shot.
func (h *Shot) sound(classes int) bool {
	return int(h.Class) <= classes && (h.Class == 0 || h.Limit >= leastLimit && h.Limit <= mostLimit)
}

// appendShots appends one byte where there are none.
func (s *State) appendShots(b []byte) []byte {
	n := 0
	for n < shots && s.Shots[n].Class > 0 {
		n++
	}
	b = append(b, byte(n))
	for i := range n {
		h := &s.Shots[i]
		b = appendFloat(append(binary.AppendUvarint(b, uint64(h.Class)), h.Picture[:]...), h.Limit)
	}
	return b
}

// shots reads what appendShots wrote.
func (r *reader) shots() (all [shots]Shot) {
	n := int(r.byte())
	if n > shots {
		r.bad = true
	}
	for i := 0; i < n && !r.bad; i++ {
		all[i].Class = r.short()
		copy(all[i].Picture[:], r.bytes(len(all[i].Picture)))
		all[i].Limit = r.float()
		r.bad = r.bad || all[i].Class == 0
	}
	return all
}
