package evaluation

import (
	"context"
	"fmt"
	"math"

	"github.com/cachenet/cachenet/models/policy"
)

// certifier makes thresholds as strict as the budget needs on every kind of stream, with sequences that chose nothing.
//
// It is the fixed-sequence procedure of Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test"
// (arXiv 2110.01052): thresholds are tested from the strictest to the loosest and the last one before the first that
// fails is kept. Then the chance of keeping one that breaks the budget is at most alpha, however many are tested, and as a
// threshold passes only when each kind of stream passes, there is nothing to pay for the number of kinds. What is paid
// for is the number of policies among which the fastest is taken: each is tested at alpha divided by that.
type certifier struct {
	*arena
	budget Budget
	alpha  float64
}

// check is how a policy stands on sequences that did not choose it.
type check struct {
	figures Figures // over all kinds
	worst   string  // what is nearest to its limit, or furthest beyond, in plain words
	excess  float64 // of it over its limit; above 0: the budget is not shown to hold
	kinds   []KindBound
	locked  float64 // upper bound of the share of tracks locked in
}

// KindBound is the loss on one kind of stream with its confidence limits.
type KindBound struct {
	Kind  string  `json:"kind"`
	Loss  float64 `json:"loss"`  // full model's accuracy less the policy's, 0 … 1; below 0 the policy is better
	Lower float64 `json:"lower"` // confidence limits, each one-sided
	Upper float64 `json:"upper"`
}

// certify returns the trial with the fastest threshold that passes, which is the loosest unless mistakes cost more than hits save; Fits is false where not even the strictest does.
func (c *certifier) certify(ctx context.Context, r rival, t trial) (trial, check, error) {
	tuned := strictness(t.Settings.Score, t.Settings.Threshold)
	best, kept := t, check{}
	best.Fits = false
	for _, z := range sequence(tuned) {
		s := t.Setup
		s.Settings.Threshold = threshold(s.Settings.Score, z)
		if z == tuned {
			s.Settings.Threshold = t.Settings.Threshold
		}
		k, err := c.check(ctx, r, s)
		if err != nil {
			return best, k, err
		}
		if k.excess > 0 {
			if !best.Fits {
				best.figures, best.Speedup, kept = k.figures, k.figures.Speedup, k
				best.Settings.Threshold = s.Settings.Threshold
			}
			kept.worst = k.worst // what keeps the threshold from being looser
			return best, kept, nil
		}
		if s.Fits, s.Speedup = true, k.figures.Speedup; !best.Fits || s.Speedup >= best.Speedup { // with audits a looser one may be slower
			best, kept = trial{Setup: s, figures: k.figures}, k
		}
	}
	kept.worst = ""
	return best, kept, nil
}

// Steps of the sequence of thresholds, in degrees of strictness: fine near the tuned one, where the answer mostly is.
const (
	fineStep   = 0.25
	coarseStep = 1
	fineSteps  = 10
)

// sequence lists degrees of strictness from the strictest down to the tuned one. It depends on nothing that the
// confirming sequences show.
func sequence(tuned float64) []float64 {
	var all []float64
	for z := strictest; z > tuned+fineStep*fineSteps; z -= coarseStep {
		all = append(all, z)
	}
	for i := fineSteps; i >= 0; i-- {
		if z := tuned + fineStep*float64(i); z < strictest {
			all = append(all, z)
		}
	}
	if len(all) == 0 {
		all = append(all, tuned)
	}
	return all
}

// check plays a policy and holds its bounds against the budget.
func (c *certifier) check(ctx context.Context, r rival, s Setup) (check, error) {
	f, ledgers, err := c.measure(ctx, r, s)
	if err != nil {
		return check{}, err
	}
	return c.judge(f, ledgers), nil
}

func (c *certifier) judge(f []Figures, ledgers []*ledger) check {
	k := check{figures: overall(f), excess: math.Inf(-1)}
	against := func(name string, upper, limit float64) {
		if over := (upper - limit) / limit; over > k.excess {
			k.excess, k.worst = over, name
		}
	}
	k.kinds = bounds(c.kinds, ledgers, c.alpha)
	for _, b := range k.kinds {
		against(fmt.Sprintf("the loss on %s", b.Kind), b.Upper, c.budget.Loss)
	}
	if first := c.switches(ledgers); first.moments().sequences > 1 {
		against("the loss in the first frames after a switch", first.upper(c.alpha), c.budget.First)
	}
	locks := newClusters(len(c.table.tracks))
	for _, l := range ledgers {
		locks.merge(l.locks)
	}
	if locks.moments().occasions > 0 {
		k.locked = locks.rareUpper(c.alpha)
		against("tracks that lock in on a wrong class", k.locked, c.budget.Locked)
	}
	return k
}

// bounds returns the loss on each kind with one-sided limits at 1-alpha.
func bounds(kinds []Kind, ledgers []*ledger, alpha float64) []KindBound {
	var all []KindBound
	for i, k := range kinds {
		m := ledgers[i].loss.moments()
		all = append(all, KindBound{Kind: k.String(), Loss: m.mean, Lower: m.limit(alpha, -1), Upper: m.limit(alpha, 1)})
	}
	return all
}

// switches pools the losses after a switch. Those of streams that switch all the time are left out, where there are
// others: they are nothing but switches and have their loss tested as a kind of their own.
func (a *arena) switches(ledgers []*ledger) clusters {
	all, rest := newClusters(len(a.table.tracks)), newClusters(len(a.table.tracks))
	for i, k := range a.kinds {
		switch {
		case k.Rare:
		case k.Dwell > firstFrames:
			all.merge(ledgers[i].first)
		default:
			rest.merge(ledgers[i].first)
		}
	}
	if all.moments().sequences > 1 {
		return all
	}
	return rest
}

// fullSetup is the policy that asks the full model about every frame: it holds every budget.
func fullSetup() trial {
	s := base(func(s *policy.Settings) { s.Kind = policy.Full })
	return trial{Setup: Setup{Rival: fullOnly, Settings: s, Speedup: 1, Fits: true}, figures: Figures{Speedup: 1, Decoded: 1}}
}
