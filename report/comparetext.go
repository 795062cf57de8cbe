package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
)

// Figure is one line of a comparison, ready to be shown.
type Figure struct{ Name, Before, After, Change string }

// Figures lists what a change is made of.
func (c Change) Figures() []Figure {
	points := func(name string, before, after float64) Figure {
		return Figure{name, fmt.Sprintf("%.1f %%", 100*before), fmt.Sprintf("%.1f %%", 100*after), fmt.Sprintf("%+.2f points", 100*(after-before))}
	}
	all := []Figure{points("hit rate", c.Before.HitRate(), c.After.HitRate())}
	if c.Before.WithTruth > 0 && c.After.WithTruth > 0 {
		all = append(all, points("accuracy", c.Before.Accuracy(), c.After.Accuracy()))
	}
	all = append(all, Figure{"agreement with the full model", "", "", fmt.Sprintf("%+.2f points", 100*c.Agreement())})
	us := Figure{Name: "model time per frame, µs", Before: fmt.Sprintf("%.0f", c.Before.Us()), After: fmt.Sprintf("%.0f", c.After.Us())}
	if c.Before.Us() > 0 {
		us.Change = fmt.Sprintf("%+.0f %%", 100*(c.After.Us()/c.Before.Us()-1))
	}
	all = append(all, us)
	if c.Before.Errors+c.After.Errors > 0 {
		all = append(all, Figure{"errors", humanize.Comma(c.Before.Errors), humanize.Comma(c.After.Errors), fmt.Sprintf("%+d", c.After.Errors-c.Before.Errors)})
	}
	return all
}

// Notes say what a reader must know in addition to the figures.
func (c Comparison) Notes() []string {
	a := c.All
	notes := []string{fmt.Sprintf("%s answers changed; the full model's answer is known for %s of them: %s agreed with it before, %s do after",
		humanize.Comma(a.Changed), humanize.Comma(a.Judged), humanize.Comma(a.BeforeAgree), humanize.Comma(a.AfterAgree))}
	if c.Gone > 0 {
		notes = append(notes, fmt.Sprintf("%s frames of the data set have left the topic and are not compared", humanize.Comma(c.Gone)))
	}
	return notes
}

// textStreams is how many streams are listed in text.
const textStreams = 20

// WriteText writes the comparison for a reader at a terminal.
func (c Comparison) WriteText(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s frames of %d streams\n\n", humanize.Comma(c.All.After.Frames), len(c.Streams))
	t := tabwriter.NewWriter(&out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tbefore\tafter\tchange\t")
	for _, f := range c.All.Figures() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", f.Name, f.Before, f.After, f.Change)
	}
	_ = t.Flush() // into memory
	fmt.Fprintln(&out)
	for _, n := range c.Notes() {
		fmt.Fprintln(&out, n)
	}
	fmt.Fprintln(&out, "\nstreams, the most changed first (before → after)")
	t = tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "stream\tframes\tchanged\thit rate, %\taccuracy, %\tagreement, points\tmodel µs")
	for _, s := range c.Streams[:min(textStreams, len(c.Streams))] {
		accuracy := "-"
		if s.Before.WithTruth > 0 {
			accuracy = fmt.Sprintf("%.1f → %.1f", 100*s.Before.Accuracy(), 100*s.After.Accuracy())
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.1f → %.1f\t%s\t%+.2f\t%.0f → %.0f\n", escaped(s.Stream), s.After.Frames, s.Changed,
			100*s.Before.HitRate(), 100*s.After.HitRate(), accuracy, 100*s.Agreement(), s.Before.Us(), s.After.Us())
	}
	_ = t.Flush()
	if more := len(c.Streams) - textStreams; more > 0 {
		fmt.Fprintf(&out, "… and %d more streams; --html and --output json list all\n", more)
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	return nil
}
