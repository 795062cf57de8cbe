package evaluation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/policy"
)

// TrustSet is a set of frames that audits were measured on.
type TrustSet struct {
	Name   string
	Absent string   // why it was not measured; else:
	Seeds  []*Trust // the figures of each seed
}

// TrustMarkdown returns the figures of all sets side by side, each with its goal.
func TrustMarkdown(sets []TrustSet) string {
	g := grid{{"what"}}
	for _, l := range trustLines(sets) {
		g = append(g, []string{l.what})
	}
	for _, s := range sets {
		g[0] = append(g[0], s.title())
		for i, l := range trustLines(sets) {
			cell := "absent"
			if s.Absent == "" {
				cell = l.show(s.Seeds)
			}
			g[i+1] = append(g[i+1], cell)
		}
	}
	g[0] = append(g[0], "goal")
	for i, l := range trustLines(sets) {
		g[i+1] = append(g[i+1], l.asked)
	}
	var b strings.Builder
	b.WriteString(g.markdown())
	for _, s := range sets {
		if s.Absent != "" {
			fmt.Fprintf(&b, "\n**%s was not measured**: %s.\n", s.Name, s.Absent)
		}
	}
	fmt.Fprintf(&b, `
Mean ± standard deviation over the seeds; runs are those of all seeds, each with its own streams and coins (five times as many for the switch). Unknown classes are simulated
in the worst way: for a quarter of the classes (with fewer than %d classes: of the sequences) the small net gives its answers for a sequence of another class, with the same
confidence, while the full model still knows them. The small net's entropy does not reveal this; without audits only the locality window counteracts it. In a drifting stream
more and more of the active classes are unknown, over 10,000 frames; a run is one stream. The bound is that of models/audit at %.0f %%, checked after each wrong hit. A net is
left when the full model answers in its place (event bypass). A drift event is a false alarm if the small net's confident answers differ from the full model's on at most %.0f %%
of all frames of the sequences that the stream has shown since its probation began. The time of nets is measured on the machine that runs the benchmark.
`, fewClasses, 100*(1-audit.Alpha), 100*policy.DriftShare)
	return b.String()
}

func (s TrustSet) title() string {
	if s.Absent != "" {
		return s.Name
	}
	return fmt.Sprintf("%s (%s, %d seeds × %d runs)", s.Name, s.Seeds[0].Pack, len(s.Seeds), s.Seeds[0].Runs)
}

// trustLine is one figure.
type trustLine struct {
	what, asked string
	show        func(seeds []*Trust) string
}

func trustLines(sets []TrustSet) []trustLine {
	limit := 0.0
	for _, s := range sets {
		for _, t := range s.Seeds {
			limit = t.Limit
		}
	}
	drift := func(i int) func([]*Trust) string {
		return func(seeds []*Trust) string {
			worst, within := 0.0, Ratio{}
			for _, t := range seeds {
				d := t.Drifting[i]
				worst = max(worst, d.Worst)
				within.Some, within.All = within.Some+d.Within.Some, within.All+d.Within.All
			}
			return fmt.Sprintf("%s, %.2f at worst; ≤ 1.0 in %s", acrossSeeds(seeds, "%.2f", func(t *Trust) float64 { return 100 * t.Drifting[i].Mean }), 100*worst, within)
		}
	}
	first := func(i int) func([]*Trust) string {
		return func(seeds []*Trust) string {
			return acrossSeeds(seeds, "%.2f", func(t *Trust) float64 { return 100 * t.Switch[i].Mean })
		}
	}
	return []trustLine{
		{"the bound covers the wrong hits at every moment", "≥ 95 of 100 runs", func(seeds []*Trust) string {
			var all Ratio
			for _, t := range seeds {
				all.Some, all.All = all.Some+t.Covered.Some, all.All+t.Covered.All
			}
			return all.String()
		}},
		{"drifting streams, no audits: loss, points", "larger than with the limit", drift(0)},
		{"the same, audits at 1 %", "", drift(1)},
		{fmt.Sprintf("the same, and --max-false-hits %v", limit), "≤ 1.0 in ≥ 95 of 100 runs", drift(2)},
		{"switch to unknown classes: frames until the net is left, quartiles", "median ≤ 15", func(seeds []*Trust) string {
			return fmt.Sprintf("%s; with the limit %s", quartiles(seeds, 0), quartiles(seeds, 1))
		}},
		{"loss in the first 30 frames, no audits, points", "", first(0)},
		{"the same, audits at 1 %", "≤ 3", first(1)},
		{"the same, with the limit", "≤ 3", first(2)},
		{"the same where all sequences are of one camera: no audits, audits, with the limit", "", func(seeds []*Trust) string {
			if seeds[0].Fixed[0].Within.All == 0 {
				return "cameras not known"
			}
			var all []string
			for i := range seeds[0].Fixed {
				all = append(all, acrossSeeds(seeds, "%.2f", func(t *Trust) float64 { return 100 * t.Fixed[i].Mean }))
			}
			return strings.Join(all, ", ")
		}},
		{"drift events per 10,000 frames of known classes", "", func(seeds []*Trust) string {
			return acrossSeeds(seeds, "%.2f", func(t *Trust) float64 { return t.Drifts })
		}},
		{"those where the small net is right often enough (false alarms)", "≤ 1", func(seeds []*Trust) string {
			return acrossSeeds(seeds, "%.2f", func(t *Trust) float64 { return t.False })
		}},
		{"speed-up over full only: without audits, with, with the limit", "", func(seeds []*Trust) string {
			var all []string
			for i := range seeds[0].Speedup {
				all = append(all, acrossSeeds(seeds, "%.2f", func(t *Trust) float64 { return t.Speedup[i] })+" x")
			}
			return strings.Join(all, ", ")
		}},
		{"a small net that is never sure: cost against full only", "≤ 1.05 x", func(seeds []*Trust) string {
			return acrossSeeds(seeds, "%.3f", func(t *Trust) float64 { return t.FullOnly }) + " x"
		}},
	}
}

// acrossSeeds returns a figure's mean and standard deviation over the seeds.
func acrossSeeds(seeds []*Trust, format string, of func(*Trust) float64) string {
	var all []float64
	for _, t := range seeds {
		all = append(all, of(t))
	}
	mean, sd := meanSD(all)
	return fmt.Sprintf(format+" ± "+format, mean, sd)
}

func (r Ratio) String() string { return fmt.Sprintf("%d of %d runs", r.Some, r.All) }

func quartiles(seeds []*Trust, way int) string {
	var all []int
	for _, t := range seeds {
		all = append(all, t.Leave[way]...)
	}
	slices.Sort(all)
	n := len(all)
	return fmt.Sprintf("%d, **%d**, %d", all[n/4], all[n/2], all[3*n/4])
}
