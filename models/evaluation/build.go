package evaluation

import (
	"context"
	"fmt"
	"slices"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// specialistGain is how much faster specialists must be than one small net to be worth shipping.
const specialistGain = 1.1

// effort says how much is played, in frames of each kind of stream.
type effort struct {
	kinds         []Kind // nil: all that the classes allow
	tune, confirm int    // confirming plays a policy a few times only, and can afford to see rare events
	report, rare  int    // of each seed
	seeds         int
}

// thorough is what packs are built and compared with.
var thorough = effort{tune: 3000, confirm: 6000, report: 6000, rare: 12000, seeds: 5}

// over settles which kinds of stream there are for a table.
func (e effort) over(t *Table) effort {
	if e.kinds == nil {
		e.kinds = kinds(len(t.classes), len(t.groups()) > 0)
	}
	return e
}

// Options say what pack to build.
type Options struct {
	Name, Version string
	Budget        Budget
	Seed          uint64
	Progress      func(step string) // called when a step begins
	effort        effort
}

// Built is a pack that is chosen but not written yet.
type Built struct {
	Manifest models.Manifest
	Card     Card
	files    map[string]Net // by their name in the pack
}

// builder chooses a pack from a score table.
type builder struct {
	Options
	effort          effort
	table           *Table
	choose, certify []track
	trials          []trial
	chosen          trial
	chosenRival     rival
	guarded         *Setup
	why             []string
}

// Build tunes every policy on one half of the held-out sequences, takes the fastest that a pack can be made
// of, checks it on the other half, and compares all of them there.
func Build(ctx context.Context, t *Table, nets *Nets, o Options) (*Built, error) {
	b := &builder{Options: o, table: t, effort: thorough.over(t)}
	if o.effort.seeds > 0 {
		b.effort = o.effort
	}
	b.choose, b.certify = t.halves()
	for i := range t.nets {
		t.fitTemperature(&t.nets[i], b.choose)
	}
	for _, step := range []func(context.Context) error{b.tune, b.confirm, b.pick, b.guard} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	built := b.pack(nets)
	if err := built.Manifest.Validate(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", o.Name, err)
	}
	o.Progress("compare policies")
	c := newContest(t, b.certify, b.effort, o.Seed+1000)
	var err error
	built.Card.Report, err = c.report(ctx, o.Name+"@"+o.Version, built.Card.Setups, b.own())
	if err != nil {
		return nil, err
	}
	built.Card.Report.Frames, built.Card.Report.Sequences = extent(b.certify)
	built.Card.Why = append(built.Card.Why, b.verdict(built.Card.Report)...)
	return built, nil
}

func (b *builder) tune(ctx context.Context) error {
	budget := b.Budget
	budget.Locked *= 2 // one track more or less must not decide; confirming is strict
	c := tuner{newArena(b.table, b.choose, b.effort.kinds, b.effort.tune, b.Seed), budget}
	for _, r := range rivals() {
		if r.like != "" || r.name == fullOnly {
			continue
		}
		b.Progress("tune " + r.name)
		found, err := c.tune(ctx, r)
		if err != nil {
			return fmt.Errorf("tune %s: %w", r.name, err)
		}
		b.trials = append(b.trials, found...)
	}
	return nil
}

// pick takes the fastest policy that a pack can be made of.
func (b *builder) pick(context.Context) error {
	if tracks, enough := b.lockShown(); !enough {
		b.say("Hits teach the window of no policy that may ship: %d held-out sequences of %d frames or more cannot show that at most %.2f %% of tracks lock in on a wrong class; that takes %.0f.",
			tracks, lockFrames, 100*b.Budget.Locked, ruleOfThree/b.Budget.Locked)
	}
	global, specialists := b.fastest(RoleSmall), b.fastest(RoleSpecialist)
	switch {
	case global == nil && specialists == nil:
		return fmt.Errorf("no small net and no specialist among the nets: train again")
	case global == nil:
		b.chosen = *specialists
		b.say("The nets hold no global small net, so specialists answer.")
	case specialists == nil:
		b.chosen = *global
		b.say("The nets hold no specialists, so one global small net answers.")
	default:
		gain := specialists.Speedup / global.Speedup
		b.chosen = *global
		verdict := "they lose and are left out"
		if specialists.Fits && (gain > specialistGain || !global.Fits) {
			b.chosen, verdict = *specialists, "they win and ship"
		} else if gain > 1 {
			verdict = fmt.Sprintf("that is less than the %.1f times that would pay for them, so they are left out", specialistGain)
		}
		b.say("Specialists with the prior run %.2f times as fast as one global small net with the prior (%.2f x against %.2f x the full model): %s.",
			gain, specialists.Speedup, global.Speedup, verdict)
	}
	if !b.chosen.Fits {
		return fmt.Errorf("no policy keeps a loss of %.3f: train better small nets or allow more with --max-accuracy-loss", b.Budget.Loss)
	}
	b.chosenRival = rivalNamed(b.chosen.Rival)
	b.say("Thresholds were found on one half of the held-out sequences and made stricter where the other half asked for it; there this policy loses %.2f points over all kinds of stream.", 100*b.chosen.figures.Loss)
	return nil
}

// ruleOfThree over n is the share that n cases without an event leave possible, at 95 % confidence.
const ruleOfThree = 3

// lockShown counts the tracks that can lock in, and tells whether they are none, or enough to show that hardly any does.
func (b *builder) lockShown() (tracks int, enough bool) {
	for _, t := range b.table.tracks {
		if t.frames >= lockFrames {
			tracks++
		}
	}
	return tracks, tracks == 0 || ruleOfThree/float64(tracks) <= b.Budget.Locked
}

// fastest returns the best trial with nets of that role that can ship, nil when there is none.
func (b *builder) fastest(role string) *trial {
	_, lockShown := b.lockShown()
	var best *trial
	for i, t := range b.trials {
		r := rivalNamed(t.Rival)
		mayShip := r.ships && (t.Settings.Trust == 0 || lockShown)
		if mayShip && r.nets == role && t.Missing == "" && (best == nil || t.better(*best)) {
			best = &b.trials[i]
		}
	}
	return best
}

func rivalNamed(name string) rival {
	all := rivals()
	return all[slices.IndexFunc(all, func(r rival) bool { return r.name == name })]
}

// confirm plays every tuned policy on the sequences that did not tune it, makes its threshold stricter where
// they show that it must be, and keeps each rival's fastest: the same for all, so that they stay comparable.
func (b *builder) confirm(ctx context.Context) error {
	b.Progress("confirm on the other half")
	budget := b.Budget
	budget.Margin, budget.Locked = 0, b.Budget.Locked/2 // so few lock in that a count of them says little
	c := tuner{newArena(b.table, b.certify, b.effort.kinds, b.effort.confirm, b.Seed+500), budget}
	for i, t := range b.trials {
		r := rivalNamed(t.Rival)
		if t.Missing != "" || !t.Fits || r.nets == RoleFull {
			continue
		}
		fresh, err := c.try(ctx, r, t.Setup)
		if err == nil && !fresh.Fits {
			fresh, err = c.tight(ctx, r, t.Setup, strictness(t.Settings.Score, t.Settings.Threshold), rightest)
		}
		if err != nil {
			return fmt.Errorf("confirm %s: %w", r.name, err)
		}
		b.trials[i] = fresh
	}
	b.trials = fastestEach(b.trials)
	return nil
}

// fastestEach keeps the best trial of each rival with each small net.
func fastestEach(all []trial) []trial {
	var kept []trial
	for _, t := range all {
		at := slices.IndexFunc(kept, func(k trial) bool { return k.Rival == t.Rival && k.Small == t.Small })
		switch {
		case at < 0:
			kept = append(kept, t)
		case t.better(kept[at]):
			kept[at] = t
		}
	}
	return kept
}

// rareBudget is how much recall of single-frame intruders may be lost with the guard on.
const rareBudget = 0.015

var guards = []float32{0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005}

// guard finds the laxest rare-class guard that keeps the recall of single-frame intruders.
func (b *builder) guard(ctx context.Context) error {
	a := newArena(b.table, b.choose, rareKinds(len(b.table.classes)), b.effort.rare, b.Seed)
	for _, g := range guards {
		s := b.chosen.Setup
		s.Settings.Guard = g
		f, err := a.run(ctx, b.chosenRival, s)
		if err != nil {
			return err
		}
		b.guarded = &s
		if overall(f).RareLoss <= rareBudget {
			break
		}
	}
	return nil
}

// own lists the ways to run the pack that the table shows.
func (b *builder) own() []ownSetup {
	all := []ownSetup{{thisPack, b.chosenRival, b.chosen.Setup}, {thisPackGuarded, b.chosenRival, *b.guarded}}
	if routed := b.routed(); routed != nil && b.chosen.Settings.Teacher == policy.Inline {
		all = append(all, ownSetup{thisPackTransform, b.chosenRival, routed.Setup})
	}
	return all
}

func (b *builder) say(format string, args ...any) {
	b.why = append(b.why, fmt.Sprintf(format, args...))
}

// extent counts the frames of tracks, and the tracks.
func extent(tracks []track) (frames, sequences int) {
	for _, t := range tracks {
		frames += t.frames
	}
	return frames, len(tracks)
}
