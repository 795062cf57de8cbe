package evaluation

import (
	"context"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models"
)

// Rounds and calls of a measurement. Nets take turns, so that a noisy neighbour slows all of them; the
// minimum of a few calls leaves out interruptions, the median over rounds outliers.
const (
	timingRounds = 41
	timingCalls  = 5
)

// measure returns the µs that each net takes for one frame: batch of one, one thread, warm.
func measure(ctx context.Context, nets []*models.Net, pixels []byte) ([]float64, error) {
	rounds := make([][]float64, len(nets))
	for range timingRounds + 1 {
		for i, n := range nets {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			us, err := quickest(n, pixels)
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
