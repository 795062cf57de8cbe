package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
)

// WriteText writes the summary for a reader at a terminal, at most 80 columns wide.
func (s Summary) WriteText(w io.Writer) error {
	var out strings.Builder
	s.writeRun(&out)
	s.writeComparison(&out)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

const unknown = "-"

func (s Summary) writeRun(out *strings.Builder) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-12s%s\n", name, fmt.Sprintf(format, args...))
	}
	line("frames", "%s of %s, %s", humanize.Comma(s.Frames), Count(int64(s.Streams), "stream"), s.delivery())
	for i, l := range s.Lost {
		if i == shownReasons {
			line("lost", "%d more ranges", len(s.Lost)-i)
			break
		}
		line("lost", "%s before they were read: %s/%d, offsets %d to %d",
			Count(l.To-l.From, "frame"), shorten(l.Topic, 12), l.Partition, l.From, l.To-1)
	}
	line("answered by", "specialist %s, full model %s; hit rate %s",
		humanize.Comma(s.Hits), humanize.Comma(s.Misses), percent(s.HitRate))
	if s.Same > 0 {
		line("", "%s took the answer of the frame before", humanize.Comma(s.Same))
	}
	if s.Accuracy != nil {
		line("accuracy", "%s of %s whose class is known", percent(s.Accuracy), Count(s.FramesWithTruth, "frame"))
	}
	if s.AgreementWithFull != nil {
		line("agreement", "%s with the full model's answers", percent(s.AgreementWithFull))
	}
	if s.Audits != nil {
		s.Audits.write(line)
	}
	if s.FramesPerSecond != nil {
		paced := ""
		if s.Replay != nil {
			paced = ", as fast as they were published"
		}
		line("throughput", "%s frames/s%s", figure(s.FramesPerSecond), paced)
	}
	if l := s.Latency; l != nil {
		line("latency", "p50 %s ms, p95 %s ms, p99 %s ms", figure(&l.P50), figure(&l.P95), figure(&l.P99))
	}
	line("models", "%s loads, %s evictions; %s µs per frame",
		humanize.Comma(s.ModelLoads), humanize.Comma(s.ModelEvictions), figure(s.ModelUsPerFrame))
	if len(s.Stages) > 0 {
		outside, nets := s.spread()
		line("µs/frame", "%s", outside)
		line("in nets", "%s", nets)
	}
	if s.Errors > 0 {
		line("errors", "%s without an answer", Count(s.Errors, "frame"))
		s.writeReasons(out)
	}
}

// Count shows a number of things, such as "1,200 frames" or "1 frame".
func Count(n int64, thing string) string {
	return humanize.Comma(n) + " " + english.PluralWord(int(n), thing, "")
}

// delivery says whether every frame has one row.
func (s Summary) delivery() string {
	if s.Duplicates == 0 {
		return "one row each"
	}
	return "WITH " + humanize.Comma(s.Duplicates) + " DUPLICATE ROWS"
}

const shownReasons = 5

func (s Summary) writeReasons(out *strings.Builder) {
	reasons := slices.SortedFunc(maps.Keys(s.ErrorReasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.ErrorReasons[b], s.ErrorReasons[a]), cmp.Compare(a, b))
	})
	for i, reason := range reasons {
		if i == shownReasons {
			fmt.Fprintf(out, "%12s%d more reasons\n", "", len(reasons)-i)
			return
		}
		fmt.Fprintf(out, "%12s%s: %s\n", "", humanize.Comma(s.ErrorReasons[reason]), shorten(reason, 54))
	}
}

// shorten makes text one line of at most n characters.
func shorten(text string, n int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n-3]) + "..."
}

// column is one way of answering the frames.
type column struct {
	name string
	m    *Measures
}

func (s Summary) writeComparison(out *strings.Builder) {
	var columns []column
	for _, c := range []column{{"cachenet", s.Replay}, {"full only", s.full()}, {"small only", s.small()}} {
		if c.m != nil {
			columns = append(columns, c)
		}
	}
	if len(columns) == 0 {
		return
	}
	line := func(name string, cell func(column) string) {
		fmt.Fprintf(out, "  %-28s", name)
		for _, c := range columns {
			fmt.Fprintf(out, "%14s", cell(c))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out, "\nthe same frames at full speed")
	line("", func(c column) string { return c.name })
	line("frames", func(c column) string { return humanize.Comma(c.m.Frames) })
	line("frames/s", func(c column) string { return figure(c.m.FramesPerSecond) })
	line("model time per frame, µs", func(c column) string { return figure(c.m.ModelUsPerFrame) })
	line("accuracy", func(c column) string { return percent(c.m.Accuracy) })
	line("agreement with full", func(c column) string { return percent(c.m.AgreementWithFull) })
	line("hit rate", func(c column) string { return percent(c.m.HitRate) })
	line("speed-up, frames/s", func(c column) string { return times(s.speedup(c.m)) })
	line("speed-up, model time", func(c column) string { return times(s.modelSpeedup(c.m)) })
}

func percent(share *float64) string {
	if share == nil {
		return unknown
	}
	return fmt.Sprintf("%.1f %%", *share*100)
}

func times(factor *float64) string {
	if factor == nil {
		return unknown
	}
	return fmt.Sprintf("%.2f x", *factor)
}

// figure shows about three digits, or all of them before the point.
func figure(v *float64) string {
	switch {
	case v == nil:
		return unknown
	case *v >= 100:
		return humanize.Comma(int64(*v + 0.5))
	case *v >= 10:
		return fmt.Sprintf("%.1f", *v)
	}
	return fmt.Sprintf("%.2f", *v)
}
