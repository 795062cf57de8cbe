package evaluation

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// specialistGain is how much faster specialists must be than one small net to be worth shipping.
const specialistGain = 1.1

// effort says how much is played, in frames of each kind of stream.
type effort struct {
	kinds        []Kind   // nil: all that the classes allow
	rivals       []string // nil: all
	tune         int
	confirm      int // a threshold is tested a few times only, and a bound needs every sequence to be seen in many contexts
	report, rare int // of each seed
	seeds        int
}

// thorough is what packs are built and compared with.
var thorough = effort{tune: 6000, confirm: 48000, report: 6000, rare: 12000, seeds: 5}

// over settles which kinds of stream there are for a table.
func (e effort) over(t *Table) effort {
	if e.kinds == nil {
		e.kinds = kinds(len(t.classes), len(t.groups()) > 0)
	}
	return e
}

// tunes reports whether a rival takes part.
func (e effort) tunes(r rival) bool {
	return r.like == "" && r.name != fullOnly && (e.rivals == nil || slices.Contains(e.rivals, r.name))
}

// Options say what pack to build.
type Options struct {
	Name, Version string
	Budget        Budget
	Seed          uint64
	Agreement     bool              // labels are the full model's answers: the budget is of agreement with it
	Progress      func(step string) // called when a step begins
	Played        *atomic.Int64     // counts the simulated frames; nil: nobody asks
	effort        effort
}

// Built is a pack that is chosen but not written yet.
type Built struct {
	Manifest models.Manifest
	Card     Card
	files    map[string]Net // by their name in the pack
	bare     bool           // written without a card
}

// builder chooses a pack from a score table.
type builder struct {
	Options
	effort      effort
	table       *Table
	parts       parts
	trials      []trial
	chosen      trial
	chosenRival rival
	guarded     *Setup
	withAudits  *Setup // with the rate at which hits are audited; nil: as chosen
	certificate Certificate
	why         []string
}

// Build tunes every policy on one part of the held-out sequences, makes thresholds stricter on another until a bound
// holds the budget on every kind of stream, takes the fastest policy that a pack can be made of, and compares
// all of them on the third part, which chose nothing.
func Build(ctx context.Context, t *Table, nets *Nets, o Options) (*Built, error) {
	b := &builder{Options: o, table: t, effort: thorough.over(t), parts: t.parts()}
	if o.effort.seeds > 0 {
		b.effort = o.effort
	}
	if b.Budget.Alpha == 0 {
		b.Budget.Alpha = DefaultBudget().Alpha
	}
	if len(b.parts.choose) == 0 || len(b.parts.confirm) == 0 {
		return nil, fmt.Errorf("%d held-out sequences: at least 2 are needed, one to choose on and one to confirm on", len(t.tracks))
	}
	if o.Agreement {
		t.agree()
	}
	for i := range t.nets {
		t.fitTemperature(&t.nets[i], b.parts.choose)
	}
	if err := t.settle(); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{b.tune, b.confirm, b.pick, b.guard, b.audit, b.certify} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	built := b.pack(nets)
	if err := built.Manifest.Validate(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", o.Name, err)
	}
	c := newComparison(t, b.parts.report, b.effort, o.Seed+1000)
	c.begin, c.done = b.step, o.Played
	var err error
	built.Card.Report, err = c.report(ctx, o.Name+"@"+o.Version, built.Card.Setups, b.own())
	if err != nil {
		return nil, err
	}
	built.Card.Agreement = o.Agreement
	built.Card.Report.Frames, built.Card.Report.Sequences = extent(b.parts.report)
	built.Card.Why = append(built.Card.Why, b.verdict(built.Card.Report)...)
	return built, nil
}

func (b *builder) tune(ctx context.Context) error {
	c := tuner{b.arena(b.parts.choose, b.effort.kinds, b.effort.tune, 0), b.Budget}
	all := slices.DeleteFunc(b.table.plays(), func(r rival) bool { return !b.effort.tunes(r) })
	for i, r := range all {
		b.step("tune", i, len(all), r.name)
		found, err := c.tune(ctx, r)
		if err != nil {
			return fmt.Errorf("tune %s: %w", r.name, err)
		}
		b.trials = append(b.trials, found...)
	}
	return nil
}

// arena draws streams that count what is played on them.
func (b *builder) arena(tracks []track, of []Kind, frames int, seed uint64) *arena {
	a := newArena(b.table, tracks, of, frames, b.Seed+seed)
	a.done = b.Played
	return a
}

// step says which of how many policies is looked at.
func (b *builder) step(what string, i, of int, name string) {
	b.Progress(fmt.Sprintf("%s %d of %d: %s", what, i+1, of, name))
}

func (b *builder) say(format string, args ...any) {
	b.why = append(b.why, fmt.Sprintf(format, args...))
}

func rivalNamed(name string) rival {
	all := rivals()
	return all[slices.IndexFunc(all, func(r rival) bool { return r.name == name })]
}

// rareBudget is how much recall of single-frame intruders may be lost with the guard on.
const rareBudget = 0.015

var guards = []float32{0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005}

// guard finds the laxest rare-class guard that keeps the recall of single-frame intruders.
func (b *builder) guard(ctx context.Context) error {
	if b.chosenRival.nets == roleFull {
		return nil
	}
	b.Progress("set the guard against rare classes")
	a := b.arena(b.parts.choose, rareKinds(len(b.table.classes)), b.effort.rare, 0)
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
	all := []ownSetup{{thisPack, b.chosenRival, b.chosen.Setup}}
	if b.withAudits != nil {
		all = append(all, ownSetup{thisPackAudited, live(b.chosenRival), *b.withAudits})
	}
	if b.guarded != nil {
		all = append(all, ownSetup{thisPackGuarded, b.chosenRival, *b.guarded})
	}
	if routed := b.routed(); routed != nil && b.chosen.Settings.Teacher == policy.Inline {
		all = append(all, ownSetup{thisPackTransform, b.chosenRival, routed.Setup})
	}
	return all
}

// extent counts the frames of tracks, and the tracks.
func extent(tracks []track) (frames, sequences int) {
	for _, t := range tracks {
		frames += t.frames
	}
	return frames, len(tracks)
}
