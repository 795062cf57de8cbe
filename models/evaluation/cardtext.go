package evaluation

import (
	"fmt"
	"io"
	"strings"
)

// Markdown returns the card for people.
func (c *Card) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Model card: %s\n\n", c.Pack)
	fmt.Fprintf(&b, "%d classes. %d held-out frames in %d sequences, seed %d, in parts that share no sequence:\n\n%s\n", c.Classes, c.Frames, c.Sequences, c.Seed, c.Certificate.partsGrid().markdown())
	if c.Agreement {
		fmt.Fprintf(&b, "%s\n\n", agreementNote)
	}
	fmt.Fprintf(&b, "Budget: on every kind of stream at most %.1f points of accuracy lost against the full model on every frame; %.1f points in the first 30 frames after a switch; %.2f %% of tracks locked in on a wrong class. ",
		100*c.Budget.Loss, 100*c.Budget.First, 100*c.Budget.Locked)
	fmt.Fprintf(&b, "The chance that a pack so built breaks it on some kind of stream is at most %.0f %% (fixed-sequence testing, arXiv 2110.01052, over sequences as they are in the confirming part, for the choice among %d policies). The bounds take sequences, not frames, as independent, and their normal approximation is good for some dozens of sequences and more.\n\n",
		100*c.Certificate.Alpha, c.Certificate.Policies)
	if c.Audited != nil {
		fmt.Fprintf(&b, "Runs that audit at %.0f %% or more and call the full model inline have settings of their own: confirmations and audits find some of the wrong answers that these let pass. They were confirmed in the same way, with both played; the chance above is that of either settings by themselves.\n\n", 100*auditRate)
	}
	b.WriteString("## What was chosen, and why\n\n")
	for _, w := range c.Why {
		fmt.Fprintf(&b, "- %s\n", w)
	}
	fmt.Fprintf(&b, "\n## Nets\n\nAccuracy and calibration error (ECE, 15 bins, after temperature) on the reporting part; a specialist's count its \"other\". Cost of one frame: one thread, batch of one, on the machine that built the pack.\n\n%s", c.nets().markdown())
	fmt.Fprintf(&b, "\n## Loss by kind of stream\n\nOn the reporting part, with confidence limits of %.0f %% on either side.\n\n%s", 100*(1-c.Certificate.Alpha), c.Certificate.kindsGrid().markdown())
	fmt.Fprintf(&b, "\n## Comparison\n\n%s", c.Report.Markdown())
	return b.String()
}

const agreementNote = "Nobody labelled these frames: their classes are the full model's own answers. Accuracy here means agreement with the full model, which may be wrong itself."

// Text writes what was chosen, on what, and the loss on each kind of stream, for a terminal.
func (c *Card) Text(w io.Writer) error {
	if c.Agreement {
		fmt.Fprintln(w, agreementNote)
	}
	for _, why := range c.Why {
		fmt.Fprintln(w, why)
	}
	fmt.Fprintln(w)
	if err := c.Certificate.partsGrid().text(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nLoss against the full model on the reporting part, limits of %.0f %% on either side:\n\n", 100*(1-c.Certificate.Alpha))
	return c.Certificate.kindsGrid().text(w)
}

func (c *Card) nets() grid {
	g := grid{{"net", "role", "ships as", "accuracy %", "ECE %", "µs", "MFLOP", "parameters", "weights", "temperature"}}
	for _, n := range c.Nets {
		ships := n.Ships
		if ships == "" {
			ships = "-"
		}
		g = append(g, []string{n.File, n.Role, ships, fmt.Sprintf("%.2f", 100*n.Accuracy), fmt.Sprintf("%.2f", 100*n.ECE),
			fmt.Sprintf("%.0f", n.Us), fmt.Sprintf("%.2f", n.MFLOPs), fmt.Sprint(n.Params), n.weights(), fmt.Sprintf("%.2f", n.Temperature)})
	}
	return g
}

// verdict says how the pack stands in its own table.
func (b *builder) verdict(r *Report) []string {
	rows := map[string]Row{}
	for _, row := range r.Rows {
		if row.Missing == "" {
			rows[row.Policy] = row
		}
	}
	own := rows[thisPack].Mean
	say := []string{fmt.Sprintf("The pack runs \"%s\": %.2f times the speed of the full model on every frame, %.1f %% of the frames answered without it, at a loss of %.2f points.",
		b.chosen.Rival, own.Speedup, 100*own.HitRate, 100*own.Loss)}
	for _, name := range []string{cascade, smallAll, smallFull, specialistsPrior, contextsPrior, maskedGlobal, paper} {
		row, ok := rows[name]
		if !ok || name == b.chosen.Rival {
			continue
		}
		say = append(say, fmt.Sprintf("Against \"%s\" (%.2f x, loss %.2f points%s) it is %.2f times as fast.", name, row.Mean.Speedup, 100*row.Mean.Loss, over(row), own.Speedup/row.Mean.Speedup))
	}
	return say
}

func over(r Row) string {
	if r.Over {
		return ", which could not be tuned to the budget"
	}
	return ""
}
