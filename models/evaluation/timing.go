package evaluation

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
)

// Rounds and calls of a measurement. Nets take turns, so that a noisy neighbour slows all of them; the
// minimum of a few calls leaves out interruptions, the median over rounds outliers.
const (
	timingRounds = 41
	timingCalls  = 5
	timingFrames = 16 // images that decoding is timed on, at most
)

// price measures what each net costs, and what it costs to decode a frame for it.
func (t *Table) price(ctx context.Context, loaded []*models.Net) error {
	pixels := make([][]byte, len(loaded))
	var views []picture.View
	var shown models.Picture
	for i, n := range loaded {
		c := &t.nets[i]
		if c.view = slices.Index(views, n.View()); c.view < 0 {
			c.view = len(views)
			views = append(views, n.View())
		}
		shown.Show(t.samples[0])
		p, err := shown.Pixels(n.View())
		if err != nil {
			return err
		}
		pixels[i] = slices.Clone(p)
	}
	t.glance = t.glancing()
	us, err := measure(ctx, loaded, pixels)
	if err != nil {
		return err
	}
	decode := make([]float64, len(views))
	for v := range views {
		if decode[v], err = t.decoding(views[v]); err != nil {
			return err
		}
	}
	for i := range us {
		c := &t.nets[i]
		c.us, c.decode = us[i], decode[c.view]
	}
	return nil
}

// decoding returns the mean µs to decode the sample frames for a view, each at its quickest.
func (t *Table) decoding(v picture.View) (float64, error) {
	var sum time.Duration
	var shown models.Picture
	for _, f := range t.samples {
		var best time.Duration
		for call := range timingCalls {
			start := time.Now()
			shown.Show(f)
			if _, err := shown.Pixels(v); err != nil {
				return 0, err
			}
			if d := time.Since(start); call == 0 || d < best {
				best = d
			}
		}
		sum += best
	}
	return float64(sum.Nanoseconds()) / 1000 / float64(len(t.samples)), nil
}

// glancing returns the mean µs to look at the sample frames without decoding them for a net, each at its quickest.
func (t *Table) glancing() float64 {
	var sum time.Duration
	for _, f := range t.samples {
		best := time.Duration(math.MaxInt64)
		for range timingCalls {
			start := time.Now()
			models.Glance(f)
			best = min(best, time.Since(start))
		}
		sum += best
	}
	return float64(sum.Nanoseconds()) / 1000 / float64(len(t.samples))
}

// measure returns the µs that each net takes for one frame: batch of one, one thread, warm.
func measure(ctx context.Context, nets []*models.Net, pixels [][]byte) ([]float64, error) {
	rounds := make([][]float64, len(nets))
	for range timingRounds + 1 {
		for i, n := range nets {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			us, err := quickest(n, pixels[i])
			if err != nil {
				return nil, err
			}
			rounds[i] = append(rounds[i], us)
		}
	}
	out := make([]float64, len(nets))
	for i, r := range rounds {
		r = r[1:] // the first warms up
		slices.Sort(r)
		out[i] = r[len(r)/2]
	}
	return out, nil
}

func quickest(n *models.Net, pixels []byte) (float64, error) {
	var best time.Duration
	for call := range timingCalls {
		start := time.Now()
		if _, err := n.Run(pixels, 1); err != nil {
			return 0, err
		}
		if d := time.Since(start); call == 0 || d < best {
			best = d
		}
	}
	return float64(best.Nanoseconds()) / 1000, nil
}
