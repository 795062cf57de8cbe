package page

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

func percent(part, all int64) string {
	if all == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(all))
}

// figure shows three digits, or all of those before the point.
func figure(v float64) string {
	switch {
	case v >= 100:
		return humanize.Comma(int64(v + 0.5))
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func whole(v float64) string { return humanize.Comma(int64(v)) }

// micros shows a time given in µs.
func micros(us float64) string {
	switch {
	case us >= 48*3600e6:
		return figure(us/(24*3600e6)) + " days"
	case us >= 60e6:
		return time.Duration(us * 1e3).Round(time.Second).String()
	case us >= 1e6:
		return figure(us/1e6) + " s"
	case us >= 1e3:
		return figure(us/1e3) + " ms"
	}
	return figure(us) + " µs"
}

func times(v float64) string { return fmt.Sprintf("%.2f ×", v) }

// brief is the time up to which milliseconds tell the ends of a span apart.
const brief = 10 * time.Second

// ends shows when a span begins and ends.
func ends(from, to time.Time) (string, string) {
	layout := "2006-01-02 15:04:05"
	if to.Sub(from) < brief {
		layout += ".000"
	}
	return from.Format(layout), to.Format(layout)
}

// perSecond shows the rate of n frames in a slot of a width in µs; n where hardly one comes in a second, as where a clock is
// years off.
func perSecond(n uint32, width int64) string {
	if fps := float64(n) / (float64(width) / 1e6); fps >= 0.1 {
		return figure(fps) + "/s"
	}
	return humanize.Comma(int64(n))
}

// plain is a word that a shell takes as it is.
var plain = regexp.MustCompile(`^[\w./:@%+=,-]+$`)

// word quotes text for a shell: producers choose the names of streams, and people copy commands.
func word(text string) string {
	if plain.MatchString(text) && text[0] != '-' {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
