package evaluation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Certificate says how well the budget is shown to hold, kind of stream by kind of stream.
type Certificate struct {
	Alpha    float64     `json:"alpha"`             // chance, over the held-out sequences, that a pack is built that breaks the budget on some kind of stream
	Policies int         `json:"policies"`          // among which the fastest was taken; the bounds pay for that
	Parts    []Part      `json:"parts"`             // of the held-out sequences
	Kinds    []KindBound `json:"kinds"`             // of the pack on the reporting part, limits at 1-alpha each
	Audited  []KindBound `json:"audited,omitempty"` // the same of runs with audits, where these have settings of their own
	Tracks   int         `json:"tracks"`            // reporting sequences long enough to lock in
	Plays    int         `json:"plays"`             // playings of them
	Locked   float64     `json:"locked"`            // share of playings that lock in on a wrong class
	LockedUp float64     `json:"locked_upper"`
}

// certify measures the pack's policy on the reporting part with confidence limits.
func (b *builder) certify(ctx context.Context) error {
	a := b.arena(b.parts.report, b.effort.kinds, b.effort.confirm, 2000)
	_, ledgers, err := a.measure(ctx, b.chosenRival, b.chosen.Setup)
	if err != nil {
		return fmt.Errorf("certify: %w", err)
	}
	c := &b.certificate
	c.Parts, c.Kinds = b.parts.describe(), bounds(a.kinds, ledgers, b.Budget.Alpha)
	locks := newClusters(len(b.table.tracks))
	for _, l := range ledgers {
		locks.merge(l.locks)
	}
	m := locks.moments()
	c.Tracks, c.Plays, c.Locked = m.sequences, int(m.occasions), m.mean
	if m.occasions > 0 {
		c.LockedUp = locks.rareUpper(b.Budget.Alpha)
	}
	return b.certifyAudited(ctx, a)
}

// certifyAudited measures runs with audits on the reporting part, where these have settings of their own.
func (b *builder) certifyAudited(ctx context.Context, a *arena) error {
	if b.withAudits == nil {
		return nil
	}
	_, ledgers, err := a.measure(ctx, live(b.chosenRival), *b.withAudits)
	if err != nil {
		return fmt.Errorf("certify runs with audits: %w", err)
	}
	b.certificate.Audited = bounds(a.kinds, ledgers, b.Budget.Alpha)
	return nil
}

// findings are what a reader must know of the certificate, in plain words.
func (c *Certificate) findings(b Budget) []string {
	say := onKinds(c.Kinds, b, "")
	say = append(say, onKinds(c.Audited, b, " with audits")...)
	if c.Plays > 0 {
		line := fmt.Sprintf("Tracks locked in on a wrong class: %.3f %% of %d playings (upper limit %.3f %%, allowed %.3f %%).", 100*c.Locked, c.Plays, 100*c.LockedUp, 100*b.Locked)
		if n := ruleOfThree(b.Locked, c.Alpha); c.Tracks < n {
			line += fmt.Sprintf(" They are playings of %d sequences; to show as much of sequences never seen takes %d.", c.Tracks, n)
		}
		say = append(say, line)
	}
	return say
}

// onKinds says where the loss is above the budget, and where it is largest.
func onKinds(kinds []KindBound, b Budget, how string) []string {
	if len(kinds) == 0 {
		return nil
	}
	worst := slices.MaxFunc(kinds, func(x, y KindBound) int { return cmp.Compare(x.Loss, y.Loss) })
	var say, over []string
	for _, k := range kinds {
		if k.Loss > b.Loss {
			over = append(over, fmt.Sprintf("%s (%s)", k.Kind, k.points()))
		}
	}
	if len(over) > 0 {
		say = append(say, fmt.Sprintf("On the reporting part the loss%s is above the budget of %.2f points on: %s. Treat the budget as not shown there.", how, 100*b.Loss, strings.Join(over, ", ")))
	}
	return append(say, fmt.Sprintf("Worst kind of stream%s on the reporting part: %s, %s.", how, worst.Kind, worst.points()))
}

func (k KindBound) points() string {
	return fmt.Sprintf("%.2f points, %.2f … %.2f", 100*k.Loss, 100*k.Lower, 100*k.Upper)
}

// grid lists the parts.
func (c *Certificate) partsGrid() grid {
	g := grid{{"part", "frames", "sequences", "classes", "what it is for"}}
	for _, p := range c.Parts {
		g = append(g, []string{p.Name, fmt.Sprint(p.Frames), fmt.Sprint(p.Sequences), fmt.Sprint(p.Classes), p.Purpose})
	}
	return g
}

// kindsGrid lists the loss on each kind of stream.
func (c *Certificate) kindsGrid() grid {
	g := grid{{"stream", "loss, points", "lower", "upper"}}
	if len(c.Audited) > 0 {
		g[0] = append(g[0], "with audits", "lower", "upper")
	}
	for i, k := range c.Kinds {
		row := append([]string{k.Kind}, k.columns()...)
		if i < len(c.Audited) {
			row = append(row, c.Audited[i].columns()...)
		}
		g = append(g, row)
	}
	return g
}

// columns are loss and limits, in points.
func (k KindBound) columns() []string {
	return []string{fmt.Sprintf("%.2f", 100*k.Loss), fmt.Sprintf("%.2f", 100*k.Lower), fmt.Sprintf("%.2f", 100*k.Upper)}
}
