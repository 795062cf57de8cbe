package evaluation

import (
	"context"
	"fmt"
	"slices"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// audit gives the chosen policy settings of its own for runs that audit hits. Confirmations and audits find wrong answers and teach the
// window, so that what is fastest within the budget is something else: less the loosest threshold, since mistakes cost more than
// hits save below some point, than a window that follows the stream more closely. They are tuned and confirmed as the other settings, on
// the same parts of the held-out sequences and at the same confidence; what that promises is said of either by itself.
func (b *builder) audit(ctx context.Context) error {
	s := b.chosen.Setup
	s.Settings.AuditRate = auditRate
	if b.chosenRival.nets == roleFull || s.Settings.Kind != policy.Window || s.Settings.Teacher != policy.Inline {
		return nil
	}
	b.Progress("tune the settings of runs with audits")
	r := live(b.chosenRival)
	choose := tuner{b.arena(b.parts.choose, b.effort.kinds, b.effort.tune, 0), b.Budget}
	tuned, err := choose.quickest(ctx, r, s)
	if err != nil {
		return fmt.Errorf("tune the settings of runs with audits: %w", err)
	}
	b.Progress("confirm the settings of runs with audits")
	confirm := certifier{b.arena(b.parts.confirm, b.effort.kinds, b.effort.confirm, 500), b.Budget, b.Budget.Alpha / float64(b.certificate.Policies)}
	before, err := confirm.run(ctx, r, s)
	if err != nil {
		return err
	}
	held, k, err := confirm.certify(ctx, r, tuned)
	if err != nil {
		return fmt.Errorf("confirm the settings of runs with audits: %w", err)
	}
	same := overall(before)
	if !held.Fits || held.Speedup <= same.Speedup {
		b.say("Runs with audits have no settings of their own: none that are faster are confirmed.")
		return nil
	}
	b.withAudits = &held.Setup
	line := fmt.Sprintf("With audits at %.0f %% and confirmations the pack runs with threshold %.4f, alpha %.3g, decay %.3g instead of %.4f, %.3g, %.3g: %.2f x the full model's speed on the confirming part at a loss of %.2f points, instead of %.2f x and %.2f.",
		100*auditRate, held.Settings.Threshold, held.Settings.Alpha, held.Settings.Decay, s.Settings.Threshold, s.Settings.Alpha, s.Settings.Decay,
		held.Speedup, 100*held.figures.Loss, same.Speedup, 100*same.Loss)
	if k.worst != "" {
		line += " The threshold is no looser because of " + k.worst + "."
	}
	b.say("%s", line)
	return nil
}

// quickest turns one knob after the other, the threshold at both ends, and takes what is fastest within the budget. With audits a looser threshold may be
// slower, so that it is a knob like others.
func (c *tuner) quickest(ctx context.Context, r rival, s Setup) (trial, error) {
	best, err := c.try(ctx, r, s)
	if err != nil {
		return best, err
	}
	r.teachers = nil // it has to be the full model
	play := func(ctx context.Context, r rival, s Setup, _ trial) (trial, error) { return c.try(ctx, r, s) }
	for _, k := range slices.Concat([]knob{near(best.Settings)}, r.knobs(), []knob{lowDecays}) {
		if best, err = c.turn(ctx, r, k, best, play); err != nil {
			return best, err
		}
	}
	return c.turn(ctx, r, near(best.Settings), best, play)
}

// lowDecays are for windows that follow a stream closely: with audits the full model answers more of it.
var lowDecays = knobOf([]float32{0.1, 0.2, 0.3, 0.4}, func(s *policy.Settings, v float32) { s.Decay = v })

// near lists thresholds around that of the settings, looser ones first.
func near(s policy.Settings) knob {
	z := strictness(s.Score, s.Threshold)
	var all []float32
	for i := -6; i <= 6; i++ {
		all = append(all, threshold(s.Score, z+float64(i)*fineStep))
	}
	return knobOf(all, func(s *policy.Settings, v float32) { s.Threshold = v })
}

// live is the rival with streams bypassed where the cache does not pay, as in a run.
func live(r rival) rival {
	r.live = true
	return r
}

// Audit sets the settings of runs with audits of a pack that was built before, and leaves everything else as it is: nets, costs, temperatures and
// policy. t has the answers of the pack's nets about held-out frames, which are split as in [Build]; where they are those that the pack was built
// on, so are the parts. Budget, seed and confidence are those of the pack's card. The pack gets the version of o; its card says what was added.
func Audit(ctx context.Context, p *models.Pack, t *Table, o Options) (*Built, error) {
	card, err := ReadCard(p)
	if err != nil {
		return nil, err
	}
	if card.Pack == "" || card.Report == nil || card.Certificate.Policies < 1 {
		return nil, fmt.Errorf("pack %s: no model card says under which budget its policy was chosen: build the pack again", p.ID())
	}
	own := packSetups(p)[0]
	r := own.rival
	r.prior, r.share, r.trust, r.cache = own.Settings.Alpha < 1, own.Settings.Share > 0, own.Settings.Trust > 0, len(p.Specialists) > 1
	b := &builder{Options: o, effort: thorough.over(t), table: t, parts: t.parts(), certificate: card.Certificate, chosenRival: r, chosen: trial{Setup: own.Setup}}
	if o.effort.seeds > 0 {
		b.effort = o.effort
	}
	b.Budget, b.Seed = card.Budget, card.Seed
	if card.Agreement {
		t.agree()
	}
	t.costAs(p, card.Report.DecodeUs)
	if err := t.settle(); err != nil {
		return nil, err
	}
	if err := b.audit(ctx); err != nil {
		return nil, err
	}
	if b.withAudits == nil {
		return nil, fmt.Errorf("pack %s: no settings for runs with audits are confirmed and faster than its own", p.ID())
	}
	if err := b.certifyAudited(ctx, b.arena(b.parts.report, b.effort.kinds, b.effort.confirm, 2000)); err != nil {
		return nil, err
	}
	b.step("compare", 0, 1, thisPackAudited)
	r.name = thisPackAudited
	row, err := newComparison(t, b.parts.report, b.effort, b.Seed+1000).row(ctx, live(r), *b.withAudits)
	if err != nil {
		return nil, err
	}
	return b.revised(p, card, row)
}

// revised is the pack with the settings of runs with audits.
func (b *builder) revised(p *models.Pack, card *Card, row Row) (*Built, error) {
	out := builtOf(p, card)
	m, c := &out.Manifest, &out.Card
	m.Version, m.Audited = b.Version, b.audited()
	c.Pack, c.Certificate, c.Audited = p.Name+"@"+b.Version, b.certificate, b.withAudits
	c.Why = slices.Concat(c.Why, []string{fmt.Sprintf("The settings of runs with audits were added to %s; all else, nets and their costs included, is as it was.", p.ID())},
		b.why, onKinds(b.certificate.Audited, b.Budget, " with audits"))
	r := *c.Report
	r.Rows = slices.DeleteFunc(slices.Clone(r.Rows), func(r Row) bool { return r.Policy == thisPackAudited })
	at := slices.IndexFunc(r.Rows, func(r Row) bool { return r.Policy == thisPack })
	r.Rows = slices.Insert(r.Rows, at+1, row)
	c.Report = &r
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", p.ID(), err)
	}
	return out, nil
}

// audited returns the settings of runs with audits as a manifest has them, without the rate, which the run names; nil where there are none.
func (b *builder) audited() *policy.Settings {
	if b.withAudits == nil {
		return nil
	}
	s := b.withAudits.Settings
	s.AuditRate = 0
	return &s
}

// costAs makes the nets cost what the pack's manifest says, and decoding what its card does.
func (t *Table) costAs(p *models.Pack, decode float64) {
	scale := decode / t.full().decode
	for i, n := range packNets(p).All {
		c := &t.nets[i]
		if n.MeasuredUs > 0 {
			c.us = n.MeasuredUs
		}
		if scale > 0 {
			c.decode *= scale
		}
	}
}
