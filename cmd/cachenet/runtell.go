package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/pipelines"
	"github.com/cachenet/cachenet/report"
)

// shownReasons is how many reasons for errors a run tells in text.
const shownReasons = 5

// runSummary is how a run went, as JSON.
type runSummary struct {
	Policy    string                `json:"policy_file,omitempty"` // the policy file in use
	Frames    int64                 `json:"frames"`
	Hits      int64                 `json:"hits"`
	Misses    int64                 `json:"misses"`
	Same      int64                 `json:"same,omitempty"` // took the answer of the frame before
	Errors    int64                 `json:"errors"`
	ErrorRate float64               `json:"error_rate"`       // of all frames, 0 to 1
	Reasons   []parquetio.Reason    `json:"reasons"`          // for the errors, the most frequent first
	Uplink    *kafkaio.UplinkCounts `json:"uplink,omitempty"` // what passed between a device and its server
	Audits    *audit.Result         `json:"audits,omitempty"` // of the hits; absent where none could be audited
	Cache     *cacheSummary         `json:"cache,omitempty"`  // absent where the pack came from no server
	Pooled    int64                 `json:"pooled,omitempty"` // rows that the processes of a worker pool wrote; they are counted nowhere else
}

// tellRun says how a run went.
func tellRun(c *cobra.Command, o pipelines.Options, format string, t parquetio.Tally, all *jobs) error {
	s := runSummary{Policy: o.PolicyFile, Frames: t.Frames(), Hits: t.Hits, Misses: t.Misses, Same: t.Same, Errors: t.Errors, Reasons: t.Reasons(), Uplink: all.server(), Cache: all.cache()}
	if s.Frames > 0 {
		s.ErrorRate = float64(s.Errors) / float64(s.Frames)
	}
	if r := t.Audits.Result(audit.Alpha); r.Hits > 0 {
		s.Audits = &r
	}
	if o.WorkerPool != "" {
		s.Pooled = all.rows(o.Topic)
	}
	if format == outputJSON {
		return writeJSON(c.OutOrStdout(), s)
	}
	if !record(slog.LevelInfo, "the run ended", "summary", s) {
		s.write(c.ErrOrStderr(), o)
	}
	return nil
}

func (s runSummary) write(w io.Writer, o pipelines.Options) {
	switch {
	case s.Pooled > 0:
		fmt.Fprintf(w, "%s frames: the workers have written their rows; see: cachenet report %s\n", humanize.Comma(s.Pooled), o.Out)
		return
	case s.Frames == 0 && o.UntilEnd:
		fmt.Fprintf(w, "nothing was left to read: topic %s holds no frame without a row in %s\n", o.Topic, o.Out)
		return
	case s.Frames == 0:
		fmt.Fprintln(w, "no frame was read")
		return
	}
	repeated := ""
	if s.Same > 0 {
		repeated = report.Count(s.Same, "repeated answer") + ", "
	}
	fmt.Fprintf(w, "%s: %s, %s, %s%s (%.3g %%)\n", report.Count(s.Frames, "frame"), report.Count(s.Hits, "hit"), report.Count(s.Misses, "miss"), repeated,
		report.Count(s.Errors, "error"), 100*s.ErrorRate)
	if s.Policy != "" {
		fmt.Fprintf(w, "policy: of the file %s\n", s.Policy)
	}
	if u := s.Uplink; u != nil {
		fmt.Fprintf(w, "server: asked %s times, %s answers in time, %s too late, p50 %.4g ms, p99 %.4g ms, %s sent, %s received\n", humanize.Comma(u.Asked), humanize.Comma(u.Answered),
			humanize.Comma(u.Late), u.WaitP50, u.WaitP99, humanize.IBytes(uint64(u.BytesUp)), humanize.IBytes(uint64(u.BytesDown)))
		if u.Outages+u.Resent > 0 {
			fmt.Fprintf(w, "  it did not respond %s times, %.1f s altogether; %s frames were sent again\n", humanize.Comma(u.Outages), u.Down, humanize.Comma(u.Resent))
		}
	}
	if s.Audits != nil {
		fmt.Fprintf(w, "audits: %s\n", s.Audits)
	}
	if s.Cache != nil {
		fmt.Fprintf(w, "cache: %s\n", s.Cache)
	}
	for i, r := range s.Reasons {
		if i == shownReasons {
			fmt.Fprintf(w, "  … and %d other reasons; see the column error of the rows\n", len(s.Reasons)-i)
			break
		}
		fmt.Fprintf(w, "  %s × %s: %s\n", humanize.Comma(r.Rows), r.Stage, r.Example)
	}
	if s.Errors == s.Frames {
		fmt.Fprintf(w, "every frame was an error, so nothing was answered: check the reasons above and what the producers send to topic %s. "+
			"A frame is a record with the stream's id as key and a JPEG or a PNG as value\n", o.Topic)
	}
}
