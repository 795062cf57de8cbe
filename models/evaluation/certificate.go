package evaluation

import (
	"context"
	"fmt"
	"strings"
)

// Certificate says how well the budget is shown to hold, kind of stream by kind of stream.
type Certificate struct {
	Alpha    float64     `json:"alpha"`    // chance, over the held-out sequences, that a pack is built that breaks the budget on some kind of stream
	Policies int         `json:"policies"` // among which the fastest was taken; the bounds pay for that
	Parts    []Part      `json:"parts"`    // of the held-out sequences
	Kinds    []KindBound `json:"kinds"`    // of the pack on the reporting part, limits at 1-alpha each
	Tracks   int         `json:"tracks"`   // reporting sequences long enough to lock in
	Plays    int         `json:"plays"`    // playings of them
	Locked   float64     `json:"locked"`   // share of playings that lock in on a wrong class
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
	return nil
}

// findings are what a reader must know of the certificate, in plain words.
func (c *Certificate) findings(b Budget) []string {
	var say []string
	var over []string
	for _, k := range c.Kinds {
		if k.Loss > b.Loss {
			over = append(over, fmt.Sprintf("%s (%s)", k.Kind, k.points()))
		}
	}
	if len(over) > 0 {
		say = append(say, fmt.Sprintf("On the reporting part the loss is above the budget of %.2f points on: %s. Treat the budget as not shown there.", 100*b.Loss, strings.Join(over, ", ")))
	}
	if worst, ok := c.worst(); ok {
		say = append(say, fmt.Sprintf("Worst kind of stream on the reporting part: %s, %s.", worst.Kind, worst.points()))
	}
	if c.Plays > 0 {
		line := fmt.Sprintf("Tracks locked in on a wrong class: %.3f %% of %d playings (upper limit %.3f %%, allowed %.3f %%).", 100*c.Locked, c.Plays, 100*c.LockedUp, 100*b.Locked)
		if n := ruleOfThree(b.Locked, c.Alpha); c.Tracks < n {
			line += fmt.Sprintf(" They are playings of %d sequences; to show as much of sequences never seen takes %d.", c.Tracks, n)
		}
		say = append(say, line)
	}
	return say
}

// worst returns the kind of stream with the largest loss.
func (c *Certificate) worst() (KindBound, bool) {
	var worst KindBound
	for i, k := range c.Kinds {
		if i == 0 || k.Loss > worst.Loss {
			worst = k
		}
	}
	return worst, len(c.Kinds) > 0
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
	for _, k := range c.Kinds {
		g = append(g, []string{k.Kind, fmt.Sprintf("%.2f", 100*k.Loss), fmt.Sprintf("%.2f", 100*k.Lower), fmt.Sprintf("%.2f", 100*k.Upper)})
	}
	return g
}
