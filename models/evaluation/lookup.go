package evaluation

import (
	"github.com/cachenet/cachenet/models/policy"
)

// lookup gives the policy the nets' answers to one frame from the table, and adds up their time.
type lookup struct {
	specialists []*column
	groups      [][]int // masked: the classes of each specialist; one net stands in for all
	selector    *column
	full        *column
	glances     []policy.Glance // of the table's frames; nil: none

	frame   int
	us      float64 // in nets
	decode  float64 // µs of decoding
	seen    uint64  // views that the frame was decoded for, a bit each
	small   bool    // masked: the one net has run on this frame
	scratch []float32
}

// charge adds the time of a net on the current frame; a view is decoded once.
func (l *lookup) charge(c *column) {
	l.us += c.us
	if bit := uint64(1) << c.view; l.seen&bit == 0 {
		l.seen |= bit
		l.decode += c.decode
	}
}

// Specialist returns the distribution of a specialist at its temperature.
func (l *lookup) Specialist(i int) ([]float32, error) {
	c := l.specialists[i]
	if l.groups == nil {
		l.charge(c)
		return c.distribution(l.frame), nil
	}
	if !l.small {
		l.charge(c)
		l.small = true
	}
	l.scratch = masked(l.scratch[:0], c.distribution(l.frame), l.groups[i])
	return l.scratch, nil
}

// Picture is that of the recorded frame, where there is one.
func (l *lookup) Picture() (*policy.Thumbnail, bool) {
	if l.glances == nil || !l.glances[l.frame].Seen {
		return nil, false
	}
	return &l.glances[l.frame].Picture, true
}

func (l *lookup) Selector() ([]float32, error) {
	l.charge(l.selector)
	return l.selector.row(l.frame), nil
}

func (l *lookup) Full() ([]float32, error) {
	l.charge(l.full)
	return l.full.row(l.frame), nil
}

// masked appends to out the probabilities of a group, and the rest as "other", from the distribution of a net of all classes.
func masked(out, all []float32, group []int) []float32 {
	other := float32(1)
	for _, c := range group {
		out = append(out, all[c])
		other -= all[c]
	}
	return append(out, max(0, other))
}
