package evaluation

import (
	"context"
	"errors"
	"fmt"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// Retuned is what tuning a pack's policy on a recording found.
type Retuned struct {
	Recording string          `json:"recording"` // what it was found on
	Budget    float64         `json:"max_accuracy_loss"`
	Policy    policy.Settings `json:"policy"`
	Changed   bool            `json:"changed"` // it is not the pack's own
	Now       Played          `json:"now"`     // the pack's own policy, on the later half of each stream, which chose nothing
	Then      Played          `json:"then"`    // the one that was found, on the same frames
}

// Played is how a policy did on frames.
type Played struct {
	HitRate   float64 `json:"hit_rate"`
	Loss      float64 `json:"accuracy_loss"` // against the full model on every frame
	Upper     float64 `json:"accuracy_loss_upper"`
	Agreement float64 `json:"agreement"`
	Us        float64 `json:"model_us"` // a frame
	Speedup   float64 `json:"speedup"`  // in nets, over the full model on every frame
	Holds     bool    `json:"holds"`    // the upper bound of the loss keeps the budget
}

// groupsOfStreams is into how many groups the streams are put that policies are tuned on; groups are played at once.
const groupsOfStreams = 8

// Retune searches the threshold and the prior of the pack's policy on the first half of each stream of the recording, and
// makes the threshold stricter on the other half until a bound (at 1-budget.Alpha, over stretches of one answer) keeps the
// budget. Where that is not faster than the pack's own policy, or never keeps it, the pack's own is what it returns.
func Retune(ctx context.Context, p *models.Pack, rec *Recording, budget Budget, say func(step string)) (Retuned, error) {
	if p.Policy.Kind == policy.Full || len(p.Specialists) == 0 {
		return Retuned{}, fmt.Errorf("pack %s asks the full model about every frame: there is nothing to tune", p.ID())
	}
	first, second := rec.halves()
	if len(first) == 0 {
		return Retuned{}, errors.New("every stream has one frame: nothing can be chosen on one half and confirmed on the other")
	}
	budget.Locked, budget.First = 1, 1 // nobody marked switches, and the loss counts what a lock costs
	own, r := packSetups(p)[0].Setup, packSetups(p)[0].rival
	r.prior, r.share, r.trust = own.Settings.Alpha < 1, own.Settings.Share > 0, own.Settings.Trust > 0
	c := tuner{&arena{table: rec.table}, budget}
	for i, s := range first {
		if i < groupsOfStreams {
			c.kinds, c.streams = append(c.kinds, recordedKind), append(c.streams, nil)
		}
		c.streams[i%groupsOfStreams] = append(c.streams[i%groupsOfStreams], s)
	}
	say("search on the first half of each stream")
	best, err := c.first(ctx, r, own)
	if err != nil {
		return Retuned{}, err
	}
	if best, err = c.improve(ctx, r, best); err != nil {
		return Retuned{}, err
	}
	say("confirm on the second half")
	k := certifier{&arena{table: rec.table, kinds: []Kind{recordedKind}, streams: [][]stream{second}}, budget, budget.Alpha}
	out := Retuned{Recording: rec.String(), Budget: budget.Loss, Policy: own.Settings}
	if out.Now, err = k.played(ctx, r, own); err != nil {
		return out, err
	}
	held, _, err := k.certify(ctx, r, best)
	if err != nil {
		return out, err
	}
	if out.Then, err = k.played(ctx, r, held.Setup); err != nil {
		return out, err
	}
	if out.Then.Holds && (!out.Now.Holds || out.Then.Speedup > out.Now.Speedup) {
		out.Policy, out.Changed = held.Settings, true
	} else {
		out.Then = out.Now
	}
	return out, nil
}

// played measures one policy.
func (c *certifier) played(ctx context.Context, r rival, s Setup) (Played, error) {
	k, err := c.check(ctx, r, s)
	if err != nil {
		return Played{}, err
	}
	f := k.figures
	return Played{HitRate: f.HitRate, Loss: f.Loss, Upper: k.kinds[0].Upper, Agreement: f.Agreement, Us: f.Us, Speedup: f.Speedup, Holds: k.excess <= 0}, nil
}
