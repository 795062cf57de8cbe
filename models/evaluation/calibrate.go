package evaluation

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/models/policy"
)

// Budget bounds what a policy may lose against the full model on every frame; shares, 0 … 1.
type Budget struct {
	Loss   float64 `json:"accuracy_loss"` // on every kind of stream
	Margin float64 `json:"margin"`        // kept of Loss while tuning, where groups of kinds are looked at
	First  float64 `json:"first_loss"`    // in the first 30 frames after a switch
	Locked float64 `json:"locked"`        // tracks locked in on a wrong class
	Alpha  float64 `json:"alpha"`         // chance, over the held-out sequences, that a pack does not hold one of these
}

// DefaultBudget is one point of accuracy, with the bounds that go with it.
func DefaultBudget() Budget {
	return Budget{Loss: 0.01, Margin: 0.003, First: 0.03, Locked: 0.0005, Alpha: 0.1}
}

// arena is a set of streams that policies are tuned or compared on.
type arena struct {
	table   *Table
	kinds   []Kind
	streams [][]stream    // of each kind
	done    *atomic.Int64 // frames that were decided; nil: nobody asks

	last    string     // what was played last, but for the threshold
	results [][]result // of each kind, at other thresholds
}

// result is what a policy achieved on a kind of stream.
type result struct {
	same    func(threshold float32) bool // whether another threshold decides every frame alike
	figures Figures
	ledger  *ledger // nil: it was not kept
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
	f, _, err := a.play(ctx, r, s, false)
	return f, err
}

// measure is run that also counts by track, for bounds.
func (a *arena) measure(ctx context.Context, r rival, s Setup) ([]Figures, []*ledger, error) {
	return a.play(ctx, r, s, true)
}

func (a *arena) play(ctx context.Context, r rival, s Setup, count bool) ([]Figures, []*ledger, error) {
	out, ledgers := make([]Figures, len(a.kinds)), make([]*ledger, len(a.kinds))
	a.remember(r, s, count)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for k := range a.kinds {
		g.Go(func() error {
			for _, known := range a.results[k] {
				if known.same(s.Settings.Threshold) {
					out[k], ledgers[k] = known.figures, known.ledger
					return nil
				}
			}
			p, err := a.table.player(r, s)
			if err != nil {
				return err
			}
			if count {
				ledgers[k] = newLedger(len(a.table.tracks))
				p.ledger = ledgers[k]
			}
			sum, err := p.all(ctx, a.streams[k])
			out[k] = sum.figures(a.table.full())
			if p.many != nil && err == nil {
				a.results[k] = append(a.results[k], result{p.many.Same, out[k], ledgers[k]})
			}
			if a.done != nil {
				a.done.Add(int64(sum.frames))
			}
			return err
		})
	}
	return out, ledgers, g.Wait()
}

// remember forgets the results of other setups than this one at another threshold.
func (a *arena) remember(r rival, s Setup, count bool) {
	s.Settings.Threshold = 0
	if now := fmt.Sprint(r.name, r.nets, s.Small, s.Settings, count); now != a.last {
		a.last, a.results = now, make([][]result, len(a.kinds))
	}
}

// within reports whether figures on each kind keep the budget: its loss over all kinds, over the kinds that show
// equally many classes and those that change equally often, and on streams without locality or mixed; the loss after a
// switch for each dwell. Single kinds are left to a bound: with a few streams each, the largest loss is mostly noise.
func (a *arena) within(f []Figures, b Budget) bool {
	all := overall(f)
	loss := all.Loss
	for _, of := range groupings() {
		loss = max(loss, a.mean(f, of, func(f Figures) float64 { return f.Loss }))
	}
	first := 0.0
	for _, d := range dwells {
		first = max(first, a.mean(f, func(k Kind) bool { return k.Dwell == d && !k.Rare }, func(f Figures) float64 { return f.FirstLoss }))
	}
	return loss <= b.Loss-b.Margin && first <= b.First-b.Margin && all.Locked <= b.Locked
}

// groupings lists groups of kinds that are alike in something.
func groupings() []func(Kind) bool {
	all := []func(Kind) bool{func(k Kind) bool { return k.Active == 0 && !k.Mixed }, func(k Kind) bool { return k.Mixed }}
	for _, m := range actives {
		all = append(all, func(k Kind) bool { return k.Active == m })
	}
	for _, d := range dwells {
		all = append(all, func(k Kind) bool { return k.Dwell == d })
	}
	return all
}

// mean of a figure over the kinds of a group; 0 where there are none.
func (a *arena) mean(f []Figures, of func(Kind) bool, value func(Figures) float64) float64 {
	sum, n := 0.0, 0.0
	for i, k := range a.kinds {
		if of(k) {
			sum, n = sum+value(f[i]), n+1
		}
	}
	return sum / max(1, n)
}

// trial is a setup with what it achieved.
type trial struct {
	Setup
	figures Figures // over all kinds
	worst   string  // what kept the threshold from being looser, empty when nothing did
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
	return trial{Setup: s, figures: all}, nil
}

// The threshold is searched on a scale where equal steps matter equally: log-odds of a confidence, log of
// an entropy. Larger is stricter.
const (
	loosest   = -1.5
	strictest = 12.0
	finest    = 0.08
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
