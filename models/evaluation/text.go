package evaluation

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// grid is a table of text; the first row is its head.
type grid [][]string

// Text writes the report for a terminal of 120 columns.
func (r *Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", r.head())
	if err := r.policies().text(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n\n", legend)
	fmt.Fprintf(w, "Speed-up by kind of stream; selector to adaptive are one small net whose prior learns from these.\n\n")
	return r.byKind().text(w)
}

// Markdown returns the report as Markdown.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n%s\n\nSpeed-up by kind of stream; selector to adaptive are one small net whose prior learns from these:\n\n%s", r.head(), r.policies().markdown(), legend, r.byKind().markdown())
	return b.String()
}

func (r *Report) head() string {
	return fmt.Sprintf("%s on streams drawn from %d frames in %d sequences, %d seeds; full model %.0f µs a frame, decoding %.0f µs.",
		r.Pack, r.Frames, r.Sequences, r.Seeds, r.FullUs, r.DecodeUs)
}

const legend = `Mean ± standard deviation over seeds; kinds of stream weigh the same, speed-ups as a geometric mean: of the time in
nets, and (decoded) with that of decoding frames, in both. In points: loss of accuracy against the full model on every
frame, the same in the first 30 frames after a switch, and (rare) recall lost of single-frame intruders. loads/k:
specialists loaded per 1,000 frames. lock: tracks with one wrong class nearly throughout that the full model has mostly
right. (o) is an upper bound, which uses what no policy can know; ! could not hold the budget when confirmed.`

// policies has one line for each policy.
func (r *Report) policies() grid {
	g := grid{{"policy", "speed-up", "decoded", "µs", "hits %", "acc %", "loss", "first", "agree %", "rare", "loads/k", "lock %"}}
	for _, row := range r.Rows {
		if row.Missing != "" {
			g = append(g, []string{row.title(), "- " + row.Missing})
			continue
		}
		m, sd := row.Mean, row.SD
		g = append(g, []string{row.title(), fmt.Sprintf("%.2f ± %.2f", m.Speedup, sd.Speedup), fmt.Sprintf("%.2f", m.Decoded), fmt.Sprintf("%.0f", m.Us),
			fmt.Sprintf("%.1f", 100*m.HitRate), fmt.Sprintf("%.1f", 100*m.Accuracy), points(m.Loss, sd.Loss), fmt.Sprintf("%.2f", 100*m.FirstLoss),
			fmt.Sprintf("%.1f", 100*m.Agreement), fmt.Sprintf("%.2f", 100*m.RareLoss), fmt.Sprintf("%.1f", m.Loads), fmt.Sprintf("%.3f", 100*m.Locked)})
	}
	return g
}

func points(mean, sd float64) string { return fmt.Sprintf("%.2f±%.2f", 100*mean, 100*sd) }

func (r Row) title() string {
	switch {
	case r.Oracle:
		return r.Policy + " (o)"
	case r.Over && r.Missing == "":
		return r.Policy + " !"
	}
	return r.Policy
}

// byKind has one line for each kind of stream, and the policies that have figures and could be had.
func (r *Report) byKind() grid {
	short := map[string]string{cascade: "cascade", smallSelector: "selector", smallFull: "full", paper: "paper", maskedGlobal: "masked", smallSure: "sure hits", smallAdaptive: "adaptive", specialistsPrior: "specialists", thisPack: "this pack"}
	head := []string{"stream"}
	var rows []Row
	for _, row := range r.Rows {
		if name, ok := short[row.Policy]; ok && row.Missing == "" {
			head, rows = append(head, name), append(rows, row)
		}
	}
	g := grid{append(head, "its loss")}
	for k, kind := range r.Kinds {
		line := []string{kind.String()}
		loss := ""
		for _, row := range rows {
			s := row.Kinds[k]
			cell := fmt.Sprintf("%.2f", s.Mean.Speedup)
			if row.Policy == thisPack {
				cell += fmt.Sprintf(" ± %.2f", s.SD.Speedup)
				loss = points(s.Mean.Loss, s.SD.Loss)
			}
			line = append(line, cell)
		}
		g = append(g, append(line, loss))
	}
	return g
}

func (g grid) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range g {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

func (g grid) markdown() string {
	var b strings.Builder
	for i, row := range g {
		for len(row) < len(g[0]) {
			row = append(row, "")
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
	return b.String()
}
