package evaluation

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// settingsOf are those of the pack that a run may have used as its own.
func settingsOf(m *models.Manifest) []*policy.Settings {
	all := []*policy.Settings{&m.Policy}
	for _, s := range []*policy.Settings{m.Routed, m.Guarded, m.Audited} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// builtOf is a pack as it is, to be written with changes.
func builtOf(p *models.Pack, card *Card) *Built {
	out := &Built{Manifest: p.Manifest, Card: *card, files: map[string]Net{}}
	for _, n := range p.Nets() {
		out.files[n.File] = Net{NetEntry: n.NetEntry, Dir: p.Dir}
	}
	return out
}

// Build makes the pack that the rows ask for, under another version. Settings whose threshold the run did not use keep their
// decisions as far as a temperature allows: their threshold is moved along with it.
func (r *Recalibrated) Build(p *models.Pack, version string) (*Built, error) {
	card, err := ReadCard(p)
	if err != nil {
		return nil, err
	}
	out := builtOf(p, card)
	m := &out.Manifest
	m.Version = version
	if r.Scale != 1 {
		if m.Paper != nil && len(m.PaperNets) == 0 { // its entropies must not change
			m.PaperNets = m.Specialists
		}
		m.Specialists = slices.Clone(m.Specialists)
		for i := range m.Specialists {
			m.Specialists[i].Temperature *= float32(r.Scale)
		}
	}
	m.Policy = r.moved(m.Policy)
	for _, s := range []**policy.Settings{&m.Routed, &m.Guarded, &m.Audited} {
		if *s != nil {
			moved := r.moved(**s)
			*s = &moved
		}
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", p.ID(), err)
	}
	r.tell(out)
	return out, nil
}

// moved are settings of the pack at the new temperature.
func (r *Recalibrated) moved(s policy.Settings) policy.Settings {
	if s.Threshold == r.Threshold[0] {
		s.Threshold = r.Threshold[1]
	} else {
		s.Threshold = r.carried(s.Threshold)
	}
	s.Trust = r.carried(s.Trust)
	return s
}

// carried is a threshold of a confidence at the new temperature.
func (r *Recalibrated) carried(confidence float32) float32 {
	if r.Scale == 1 || confidence <= 0 || confidence >= 1 {
		return confidence
	}
	return float32(r.rescaled(logOdds(confidence)))
}

// tell puts what was done into the card. A pack without a card gets none.
func (r *Recalibrated) tell(out *Built) {
	if out.Card.Pack == "" {
		out.bare = true
		return
	}
	from := out.Card.Pack
	out.Card.Pack = out.Manifest.Name + "@" + out.Manifest.Version
	out.Card.Why = append([]string{
		fmt.Sprintf("Recalibrated on %d audited hits and %d misses of a run of %s: %s. What follows, and every figure below, is of %s.",
			r.Audited, r.Misses, r.Pack, strings.Join(r.Changes(), "; "), from),
	}, out.Card.Why...)
}

// Changes says what becomes different, a line each.
func (r *Recalibrated) Changes() []string {
	var lines []string
	if r.Scale != 1 {
		lines = append(lines, fmt.Sprintf("temperatures of the small nets × %.3g", r.Scale))
	}
	if r.Threshold[0] != r.Threshold[1] {
		lines = append(lines, fmt.Sprintf("threshold %.4g → %.4g", r.Threshold[0], r.Threshold[1]))
	}
	return lines
}

// Summary says what was looked at and what is expected, a line each.
func (r *Recalibrated) Summary() []string {
	says := func(what string, c Recalibration) string {
		return fmt.Sprintf("%s: hit rate %.1f %%, %.2f %% of the frames answered otherwise than by the full model (at most %.2f %%)", what, 100*c.HitRate, 100*c.Loss, 100*c.Upper)
	}
	return []string{
		fmt.Sprintf("%s: %d audited hits and %d misses of %d rows, worth %.0f independent ones; %d answers of the small nets were wrong", r.Pack, r.Audited, r.Misses, r.Rows, r.Effective, r.Wrong),
		says("on these rows now", r.Now), says("on these rows then", r.Then),
	}
}

// NextVersion is the version after one that ends with a number: 1.2.0 is followed by 1.2.1. It is empty for others.
func NextVersion(version string) string {
	at := len(strings.TrimRight(version, "0123456789"))
	n, err := strconv.ParseUint(version[at:], 10, 32)
	if err != nil || n == math.MaxUint32 {
		return ""
	}
	return version[:at] + strconv.FormatUint(n+1, 10)
}
