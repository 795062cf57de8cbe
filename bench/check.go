package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func checkCommand() *cobra.Command {
	var p plan
	var kept string
	c := &cobra.Command{
		Use:   "check",
		Short: "Measure again and fail where a ratio fell below that of a kept results.json by more than both spreads",
		Long: `Measures the contenders of a kept results.json again, at the settings that were best then, and compares ratios: they
survive another or a busier machine better than frames/s do. A ratio is worse when its best round now is below its worst
round then.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			was, err := readResults(kept)
			if err != nil {
				return fmt.Errorf("%w: make bench writes it", err)
			}
			p.settled, p.Latency = was.Sizes, false
			now, err := p.run(c.Context())
			if err != nil {
				return err
			}
			return compare(c.OutOrStdout(), was, now)
		},
	}
	p.flags(c.Flags())
	c.Flags().StringVar(&kept, "against", "bench/results.json", "results to compare with")
	return c
}

// settledEntries are the contenders at the settings with which they were measured then.
func (w *workload) settledEntries(all []contender) []*entry {
	var entries []*entry
	for _, s := range w.settled {
		if s.Size != w.name {
			continue
		}
		for _, c := range all {
			for _, was := range s.Contenders {
				if was.ID != c.id {
					continue
				}
				e := &entry{contender: c, best: was.Best}
				if was.Setting != nil {
					e.setting = *was.Setting
				}
				entries = append(entries, e)
			}
		}
	}
	return entries
}

// compare prints each ratio then and now, and fails where one is worse or a contender's rows are not those of its frames.
func compare(out io.Writer, was, now results) error {
	var wrong []string
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "size\tratio\tby\tthen\tnow\t")
	for _, size := range now.Sizes {
		before := was.sizeOf(size.Size)
		if before == nil {
			wrong = append(wrong, size.Size+" was not measured then")
			continue
		}
		for _, r := range size.Ratios {
			then := before.ratioOf(r.What)
			if then == nil {
				continue
			}
			for _, by := range []struct {
				name      string
				then, now spread
			}{{"frames/s", then.FPS, r.FPS}, {"processor time", then.CPU, r.CPU}} {
				mark := ""
				if by.then.worse(by.now) {
					mark = "WORSE"
					wrong = append(wrong, fmt.Sprintf("%s, %s, by %s: %s, was %s", size.Size, r.What, by.name, by.now.text(2), by.then.text(2)))
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", size.Size, r.What, by.name, by.then.text(2), by.now.text(2), mark)
			}
		}
		wrong = append(wrong, size.incomplete()...)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("worse than in %s:\n  %s", was.Commit, strings.Join(wrong, "\n  "))
	}
	return nil
}

func (r results) sizeOf(name string) *sizeResult {
	for i := range r.Sizes {
		if r.Sizes[i].Size == name {
			return &r.Sizes[i]
		}
	}
	return nil
}

func (s *sizeResult) ratioOf(what string) *ratio {
	for i := range s.Ratios {
		if s.Ratios[i].What == what {
			return &s.Ratios[i]
		}
	}
	return nil
}

// incomplete names the contenders that failed, or whose rows are not one a frame.
func (s *sizeResult) incomplete() []string {
	var all []string
	for _, c := range s.Contenders {
		if c.Failed != "" {
			all = append(all, fmt.Sprintf("%s, %s failed: %s", s.Size, c.ID, c.Failed))
		}
		for _, round := range c.Rounds {
			if v := round.Verdict; !v.whole() {
				all = append(all, fmt.Sprintf("%s, %s: %d frames without a row, %d twice, %d unanswered", s.Size, c.ID, v.Missing, v.Twice, v.Unanswered))
				break
			}
		}
	}
	return all
}
