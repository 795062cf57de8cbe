package evaluation

import (
	"fmt"
	"strings"

	"github.com/cachenet/cachenet/models/audit"
)

// Markdown returns the figures as a document, each with its goal.
func (m *Trust) Markdown() string {
	g := grid{{"what", "measured", "asked for"}}
	add := func(what, asked, format string, args ...any) {
		g = append(g, []string{what, fmt.Sprintf(format, args...), asked})
	}
	add("the bound covers the wrong hits at every moment", "≥ 95 of 100 runs", "%s", m.Covered)
	add("drifting streams, no audits: loss, points", "larger than with the limit", "%s", m.Drifting[0])
	add("the same, audits at 1 %", "", "%s", m.Drifting[1])
	add(fmt.Sprintf("the same, and --max-false-hits %v", m.Limit), "≤ 1.0 in ≥ 95 of 100 runs", "%s", m.Drifting[2])
	add("switch to unknown classes: frames until the net is left, quartiles", "median ≤ 15", "%s; with the limit %s", quartiles(m.Leave[0]), quartiles(m.Leave[1]))
	add("loss in the first 30 frames, no audits, points", "", "%.2f", 100*m.Switch[0].Mean)
	add("the same, audits at 1 %", "≤ 3", "%.2f", 100*m.Switch[1].Mean)
	add("the same, with the limit", "≤ 3", "%.2f", 100*m.Switch[2].Mean)
	add("drift events per 10,000 frames of known classes", "≤ 1", "%.2f", m.False)
	add("speed-up over full only: without audits, with, with the limit", "named", "%.2f x, %.2f x, %.2f x", m.Speedup[0], m.Speedup[1], m.Speedup[2])
	add("a small net that is never sure: cost against full only", "≤ 1.05 x", "%.3f x", m.FullOnly)
	var b strings.Builder
	fmt.Fprintf(&b, "# What audits are worth\n\nPrinted by `make bench-policy`: %s, %d runs of each experiment (of the switch five times as many), each with streams and coins of its own.\n\n%s", m.Pack, m.Runs, g.markdown())
	fmt.Fprintf(&b, `
Unknown classes are played as the worst kind there is: for a quarter of the classes the small net gives its answers about sequences of
others, as sure as it is of those, and the full model goes on to know them. Its entropy shows nothing of it; where there are no audits, only the
locality window stands against it. A stream drifts when more and more of its active classes, over 10,000 frames, are such; a run
is one stream. The bound is that of models/audit at %.0f %%, looked at after each wrong hit. A net is left when the full model answers in its place
(event bypass). The time of nets is measured on the machine at hand.
`, 100*(1-audit.Alpha))
	return b.String()
}

func (r Ratio) String() string { return fmt.Sprintf("%d of %d runs", r.Some, r.All) }

func (d Drift) String() string {
	return fmt.Sprintf("%.2f in the mean, %.2f at worst; ≤ 1.0 in %s", 100*d.Mean, 100*d.Worst, d.Within)
}

func quartiles(q [3]int) string { return fmt.Sprintf("%d, **%d**, %d", q[0], q[1], q[2]) }
