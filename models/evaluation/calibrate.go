package evaluation

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/models/policy"
)

// Budget bounds what a policy may lose against the full model on every frame; shares, 0 … 1.
type Budget struct {
	Loss   float64 `json:"accuracy_loss"` // over all kinds of stream, and without locality
	Margin float64 `json:"margin"`        // kept of Loss for frames never seen
	First  float64 `json:"first_loss"`    // in the first 30 frames after a switch
	Locked float64 `json:"locked"`        // tracks locked in on a wrong class
}

// DefaultBudget is one point of accuracy, with the bounds that go with it.
func DefaultBudget() Budget { return Budget{Loss: 0.01, Margin: 0.003, First: 0.03, Locked: 0.0005} }

// arena is a set of streams that policies are tuned or compared on.
type arena struct {
	table   *Table
	kinds   []Kind
	streams [][]stream // of each kind
}

// newArena draws about that many frames of each kind.
func newArena(t *Table, tracks []track, all []Kind, frames int, seed uint64) *arena {
	a := &arena{table: t, kinds: all}
	for i, k := range all {
		d := newDrawer(tracks, len(t.classes), t.groups(), seed<<16+uint64(i))
		a.streams = append(a.streams, d.draw(k, frames))
	}
	return a
}

// run plays a rival on all streams and returns its figures on each kind.
func (a *arena) run(ctx context.Context, r rival, s Setup) ([]Figures, error) {
	out := make([]Figures, len(a.kinds))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for k := range a.kinds {
		g.Go(func() error {
			p, err := a.table.player(r, s)
			if err != nil {
				return err
			}
			var sum tally
			for i := range a.streams[k] {
				if err := ctx.Err(); err != nil {
					return err
				}
				one, err := p.play(&a.streams[k][i])
				if err != nil {
					return err
				}
				sum.add(one)
			}
			out[k] = sum.figures(a.table.full().us)
			return nil
		})
	}
	return out, g.Wait()
}

// within reports whether figures on each kind keep the budget: its loss over all kinds together and on
// streams without locality, the loss after a switch for each dwell.
func (a *arena) within(f []Figures, b Budget) bool {
	all := overall(f)
	loss := all.Loss
	for i, k := range a.kinds {
		if k.Active == 0 && !k.Mixed {
			loss = max(loss, f[i].Loss)
		}
	}
	first := 0.0
	for _, d := range dwells {
		sum, n := 0.0, 0.0
		for i, k := range a.kinds {
			if k.Dwell == d && !k.Rare {
				sum, n = sum+f[i].FirstLoss, n+1
			}
		}
		first = max(first, sum/max(1, n))
	}
	return loss <= b.Loss-b.Margin && first <= b.First-b.Margin && all.Locked <= b.Locked
}

// trial is a setup with what it achieved.
type trial struct {
	Setup
	figures Figures // over all kinds
}

// better prefers what keeps the budget, then speed; equal speed is decided by accuracy.
func (t trial) better(o trial) bool {
	switch {
	case t.Fits != o.Fits:
		return t.Fits
	case math.Abs(t.Speedup-o.Speedup) > 1e-9*o.Speedup:
		return t.Speedup > o.Speedup
	}
	return t.figures.Loss < o.figures.Loss
}

// tuner finds the best settings of rivals on an arena.
type tuner struct {
	*arena
	budget Budget
}

func (c *tuner) try(ctx context.Context, r rival, s Setup) (trial, error) {
	f, err := c.run(ctx, r, s)
	if err != nil {
		return trial{}, err
	}
	all := overall(f)
	s.Speedup, s.Fits = all.Speedup, c.within(f, c.budget)
	return trial{s, all}, nil
}

// The threshold is searched on a scale where equal steps matter equally: log-odds of a confidence, log of
// an entropy. Larger is stricter.
const (
	loosest  = -1.5
	rightest = 12.0
	finest   = 0.08
)

func threshold(score string, z float64) float32 {
	if score == policy.Entropy {
		return float32(math.Exp(1 - z))
	}
	return float32(1 / (1 + math.Exp(-z)))
}

// strictness is the inverse of threshold.
func strictness(score string, threshold float32) float64 {
	t := float64(threshold)
	if score == policy.Entropy {
		return 1 - math.Log(t)
	}
	return math.Log(t / (1 - t))
}

// tight finds the loosest threshold that keeps the budget between two degrees of strictness. Where none
// does, the trial of the strictest says so.
func (c *tuner) tight(ctx context.Context, r rival, s Setup, lo, hi float64) (trial, error) {
	best, err := c.at(ctx, r, s, hi)
	if err != nil || !best.Fits {
		return best, err
	}
	return c.narrow(ctx, r, best, lo, hi, 0)
}

// narrow bisects between lo, taken to break the budget, and hi, the threshold of best, which keeps it. It
// gives up where only thresholds are left that are slower than the given speed-up: stricter is slower.
func (c *tuner) narrow(ctx context.Context, r rival, best trial, lo, hi, speed float64) (trial, error) {
	for hi-lo > finest {
		mid := (lo + hi) / 2
		t, err := c.at(ctx, r, best.Setup, mid)
		if err != nil {
			return best, err
		}
		switch {
		case t.Fits:
			hi, best = mid, t
		case t.Speedup <= speed:
			return best, nil
		default:
			lo = mid
		}
	}
	return best, nil
}

// challenge looks near the threshold of the best trial so far for one at which changed settings beat it.
func (c *tuner) challenge(ctx context.Context, r rival, s Setup, best trial) (trial, error) {
	z := strictness(best.Settings.Score, best.Settings.Threshold)
	t, err := c.at(ctx, r, s, z)
	if err != nil {
		return t, err
	}
	speed := best.Speedup
	if !best.Fits {
		speed = 0
	}
	if t.Fits {
		return c.narrow(ctx, r, t, z-nearby, z, speed)
	}
	if t.Speedup <= speed {
		return t, nil
	}
	strict, err := c.at(ctx, r, s, z+nearby)
	if err != nil || !strict.Fits {
		return strict, err
	}
	return c.narrow(ctx, r, strict, z, z+nearby, speed)
}

func (c *tuner) at(ctx context.Context, r rival, s Setup, z float64) (trial, error) {
	s.Settings.Threshold = threshold(s.Settings.Score, z)
	return c.try(ctx, r, s)
}
