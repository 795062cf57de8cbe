package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/cachenet/cachenet/report"
)

//go:embed compare.tmpl
var compareText string

var compareTmpl = template.Must(template.Must(tmpl.Clone()).New("compare").Parse(compareText))

// comparisonView is what the page of a replay shows.
type comparisonView struct {
	report.Comparison
	Source string
	How    []string
	Shown  []report.Change
	More   int
}

// WriteComparison writes the page of frames that were answered again. source is the data set, how says in which way.
func WriteComparison(w io.Writer, c report.Comparison, source string, how []string) error {
	n := min(listedStreams, len(c.Streams))
	if n == 0 {
		return fmt.Errorf("write the page: no frame was answered again")
	}
	v := comparisonView{Comparison: c, Source: source, How: how, Shown: c.Streams[:n], More: len(c.Streams) - n}
	if err := compareTmpl.Execute(w, v); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
