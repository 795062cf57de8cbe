package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cachenet/cachenet/models/audit"
)

// Audits is what audits say of a run's hits, at 95 %, at every moment of each stream.
type Audits struct {
	audit.Result
	FalseHitRate float64       `json:"false_hit_rate_bound"` // Bound / Hits, 0 … 1
	Streams      []StreamAudit `json:"streams"`              // of which there are enough, the worst first
	TooFew       int           `json:"streams_with_too_few"` // streams whose audits say nothing yet
}

// StreamAudit is what audits say of one stream.
type StreamAudit struct {
	Stream string `json:"stream"`
	audit.Result
	FalseHitRate float64 `json:"false_hit_rate_bound"`
}

// audits returns nil where no hit could have been audited.
func (t *tally) audits() *Audits {
	var all audit.Count
	var a Audits
	for stream, count := range t.streams {
		all.Merge(*count)
		switch r := count.Result(audit.Alpha); {
		case r.Says() && (r.Caught > 0 || r.Rate() <= tells):
			a.Streams = append(a.Streams, StreamAudit{stream, r, r.Rate()})
		case r.Hits > 0:
			a.TooFew++
		}
	}
	a.Result = all.Result(audit.Alpha)
	if a.Hits == 0 {
		return nil
	}
	a.FalseHitRate = a.Rate()
	slices.SortFunc(a.Streams, func(x, y StreamAudit) int {
		return cmp.Or(cmp.Compare(y.FalseHitRate, x.FalseHitRate), cmp.Compare(x.Stream, y.Stream))
	})
	return &a
}

// Streams that are listed at most, and the bound above which one where nothing was caught tells an operator nothing.
const (
	shownStreams = 3
	tells        = 0.5
)

// write says it line by line.
func (a *Audits) write(line func(name, format string, args ...any)) {
	line("audits", "%s", a.Result)
	for _, s := range a.Streams[:min(shownStreams, len(a.Streams))] {
		line("", "%s: %s", shorten(s.Stream, 20), s.Result)
	}
	switch more := len(a.Streams) - shownStreams; {
	case a.TooFew > 0 && more > 0:
		line("", "%d more streams with smaller bounds, %s", more, a.tooFew())
	case more > 0:
		line("", "%d more streams with smaller bounds", more)
	case a.TooFew > 0:
		line("", "%s", a.tooFew())
	}
}

func (a *Audits) tooFew() string {
	if a.TooFew == 1 {
		return "1 stream with too few audits"
	}
	return fmt.Sprintf("%d streams with too few audits", a.TooFew)
}
