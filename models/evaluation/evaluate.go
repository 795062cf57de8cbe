package evaluation

import (
	"context"
	"log/slog"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// NetsFor lists the nets that a pack's policies are compared with: the pack's own, and those of its
// training where they are given (nil: not). A net that the pack was not built from is left out with a warning.
func NetsFor(p *models.Pack, card *Card, training *Nets) (*Nets, error) {
	nets := packNets(p)
	if training == nil {
		return nets, nil
	}
	known := *training
	known.All = nil
	for _, n := range training.All {
		c, ok := card.net(n.SHA256)
		if !ok {
			slog.Warn("net skipped: the pack was not built from it", "file", n.File)
			continue
		}
		n.Temperature = c.Temperature
		known.All = append(known.All, n)
	}
	return nets, nets.add(&known)
}

// Evaluate compares the pack's policy with its rivals on streams drawn from the table, with the given number
// of seeds from seed on. The rivals are set as the card says.
func Evaluate(ctx context.Context, p *models.Pack, card *Card, t *Table, seeds int, seed uint64) (*Report, error) {
	e := thorough.over(t)
	e.seeds = seeds
	return evaluate(ctx, p, card, t, e, seed)
}

func evaluate(ctx context.Context, p *models.Pack, card *Card, t *Table, e effort, seed uint64) (*Report, error) {
	if err := t.settle(); err != nil {
		return nil, err
	}
	return newComparison(t, t.tracks, e, seed).report(ctx, p.ID(), card.Setups, packSetups(p))
}

// auditRate is that of the row with audits.
const auditRate = policy.DefaultAuditRate

// packSetups lists the ways to run a pack by its manifest.
func packSetups(p *models.Pack) []ownSetup {
	s := Setup{Rival: thisPack, Settings: p.Policy, Fits: true}
	r := rival{name: thisPack, nets: roleSpecialist, live: true}
	if small, ok := p.Global(); ok && len(p.Specialists) == 1 {
		r.nets, s.Small = roleSmall, small.SHA256
	}
	audited := s
	audited.Settings = p.WithAudits()
	similar := audited
	similar.Settings.Similar, similar.Settings.SimilarMs = policy.DefaultSimilar, policy.DefaultSimilarMs
	all := []ownSetup{{thisPack, r, s}, {thisPackAudited, r, audited}, {thisPackSimilar, r, similar}}
	if p.Guarded != nil {
		guarded := s
		guarded.Settings = *p.Guarded
		all = append(all, ownSetup{thisPackGuarded, r, guarded})
	}
	if p.Routed != nil && p.Policy.Teacher == policy.Inline {
		s.Settings = *p.Routed
		all = append(all, ownSetup{thisPackTransform, r, s})
	}
	return all
}
