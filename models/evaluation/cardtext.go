package evaluation

import (
	"fmt"
	"strings"
)

// Markdown returns the card for people.
func (c *Card) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Model card: %s\n\n", c.Pack)
	fmt.Fprintf(&b, "%d classes. Chosen on one half and certified on the other half of %d held-out frames in %d sequences, seed %d.\n\n", c.Classes, c.Frames, c.Sequences, c.Seed)
	fmt.Fprintf(&b, "Budget: %.1f points of accuracy lost against the full model on every frame (%.1f of them kept as a margin while tuning), over all kinds of stream and without locality; %.1f points in the first 30 frames after a switch.\n\n",
		100*c.Budget.Loss, 100*c.Budget.Margin, 100*c.Budget.First)
	b.WriteString("## What was chosen, and why\n\n")
	for _, w := range c.Why {
		fmt.Fprintf(&b, "- %s\n", w)
	}
	fmt.Fprintf(&b, "\n## Nets\n\nAccuracy and calibration error (ECE, 15 bins, after temperature) on the certifying half; a specialist's count its \"other\". Cost of one frame: one thread, batch of one, on the machine that built the pack.\n\n%s", c.nets().markdown())
	fmt.Fprintf(&b, "\n## Comparison\n\n%s", c.Report.Markdown())
	return b.String()
}

func (c *Card) nets() grid {
	g := grid{{"net", "role", "ships as", "accuracy %", "ECE %", "µs", "MFLOP", "parameters", "temperature"}}
	for _, n := range c.Nets {
		ships := n.Ships
		if ships == "" {
			ships = "-"
		}
		g = append(g, []string{n.File, n.Role, ships, fmt.Sprintf("%.2f", 100*n.Accuracy), fmt.Sprintf("%.2f", 100*n.ECE),
			fmt.Sprintf("%.0f", n.Us), fmt.Sprintf("%.2f", n.MFLOPs), fmt.Sprint(n.Params), fmt.Sprintf("%.2f", n.Temperature)})
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
	for _, name := range []string{cascade, smallAll, smallFull, specialistsPrior, maskedGlobal, paper} {
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
