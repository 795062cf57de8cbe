package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

// markdown renders all of the results.
func (r results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s at %s on %s.\n", r.Made.Format("2006-01-02 15:04 UTC"), r.Commit, r.Machine)
	fmt.Fprintf(&b, "Settings: %s. Versions: %s.\n", listed(r.Settings), listed(r.Versions))
	for _, s := range r.Sizes {
		s.render(&b)
	}
	renderScale(&b, r.Scale)
	return b.String()
}

func listed(m map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, k+" "+m[k])
	}
	return strings.Join(all, ", ")
}

func (s sizeResult) render(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s, %s bytes a frame\n\n", strings.Replace(s.Size, "x", " × ", 1), humanize.Comma(int64(s.FrameBytes)))
	fmt.Fprintf(b, "Median of %d rounds (lowest – highest). The full model is right about %.2f %% of all frames.\n\n", s.Rounds, 100*s.FullRight)
	b.WriteString("| | frames/s | processor time a frame, µs | accuracy, % | agreement, % | hits, % | memory, MB | start, s | frames, rows |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range s.Contenders {
		c.render(b)
	}
	if len(s.Ratios) > 0 {
		b.WriteString("\n| ratio, of the same round | by frames/s | by processor time | goal | |\n|---|---|---|---|---|\n")
	}
	for _, r := range s.Ratios {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", r.What, r.FPS.text(2), r.CPU.text(2), r.goalText(), r.verdict())
	}
	if s.Latency != nil {
		s.Latency.render(b)
	}
	if len(s.Sweeps) > 0 {
		b.WriteString("\nSearch for the peers' best settings, one run each, without those that another search had found slower by more than 15 % and no better by processor time:\n\n| | setting | frames/s | processor time a frame, µs | accuracy, % |\n|---|---|---|---|---|\n")
	}
	for _, w := range s.Sweeps {
		for _, t := range w.Trials {
			t.render(b, w.ID)
		}
	}
}

func (c contenderResult) render(b *strings.Builder) {
	name := c.Title
	if c.Setting != nil {
		name += " (" + c.Setting.String()
		if c.Best != "" {
			name += "; best by " + c.Best
		}
		name += ")"
	}
	if len(c.Rounds) == 0 {
		fmt.Fprintf(b, "| %s | failed: %s | | | | | | | |\n", name, strings.Join(strings.Fields(c.Failed), " "))
		return
	}
	v := c.Rounds[0].Verdict
	for _, s := range c.Rounds { // the worst counts
		if cmp.Or(s.Verdict.Missing, s.Verdict.Twice, s.Verdict.Unanswered) > 0 {
			v = s.Verdict
		}
	}
	rows := v.rows()
	if c.Failed != "" {
		rows += ", **failed in a later round**"
	}
	fmt.Fprintf(b, "| %s | %s | %s | %.2f | %.2f | %.1f | %.0f | %.2f | %s, %s |\n", name, c.FPS.text(0), c.CPUUs.text(0),
		100*v.Accuracy, 100*v.Agreement, 100*v.HitRate, c.RSSMB.Median, c.StartS.Median, humanize.Comma(int64(c.Frames)), rows)
}

// rows says whether each frame has its row.
func (v verdict) rows() string {
	if v.whole() {
		return "each one"
	}
	return fmt.Sprintf("**%d rows: %d frames without, %d twice, %d unanswered**", v.Rows, v.Missing, v.Twice, v.Unanswered)
}

func (l *latencyResult) render(b *strings.Builder) {
	fmt.Fprintf(b, "\n`cachenet run` at %s frames/s, %s:\n\n| | |\n|---|---|\n", humanize.Comma(int64(l.Rate)), l.share())
	fmt.Fprintf(b, "| hit, record time to outcomes topic; goal at 32 × 32: p99 ≤ 50 ms | p50 %s ms, p99 %s ms |\n", l.HitP50.text(1), l.HitP99.text(1))
	if l.AtOnceP99 != (spread{}) {
		fmt.Fprintf(b, "| the same when all streams show other classes at the same moment | p50 %s ms, p99 %s ms |\n", l.AtOnceP50.text(1), l.AtOnceP99.text(1))
	}
	fmt.Fprintf(b, "| miss | p50 %s ms, p99 %s ms |\n", l.MissP50.text(1), l.MissP99.text(1))
	fmt.Fprintf(b, "| start of run to the first outcome; goal: ≤ 1.5 s | %s s |\n", l.FirstRowS.text(2))
	fmt.Fprintf(b, "| processor time a frame, start included | %s µs |\n| memory at most | %s MB |\n", l.CPUUs.text(0), l.RSSMB.text(0))
}

func (t trial) render(b *strings.Builder, id string) {
	switch {
	case t.Failed != "":
		fmt.Fprintf(b, "| %s | %s | failed | | |\n", id, t.Setting)
		return
	case t.LeftOut != "":
		fmt.Fprintf(b, "| %s | %s | slower %s | | |\n", id, t.Setting, t.LeftOut)
		return
	}
	fmt.Fprintf(b, "| %s | %s | %s | %.0f | %.2f |\n", id, t.Setting, humanize.Comma(int64(t.FPS)), t.CPUUs, 100*t.Accuracy)
}

func (r ratio) goalText() string {
	if r.Goal == 0 {
		return ""
	}
	return fmt.Sprintf("≥ %.2f", r.Goal)
}

// verdict says whether the medians reach the goal.
func (r ratio) verdict() string {
	switch {
	case r.Goal == 0:
		return ""
	case r.FPS.Median >= r.Goal && r.CPU.Median >= r.Goal:
		return "reached"
	case r.FPS.Median >= r.Goal:
		return "reached by frames/s only"
	case r.CPU.Median >= r.Goal:
		return "reached by processor time only"
	}
	return "missed"
}

// text is "median (low – high)" with so many decimals; large numbers have commas.
func (s spread) text(decimals int) string {
	one := func(v float64) string { return humanize.FormatFloat("#,###."+strings.Repeat("#", decimals), v) }
	if s.Low == s.High {
		return one(s.Median)
	}
	return fmt.Sprintf("%s (%s – %s)", one(s.Median), one(s.Low), one(s.High))
}

// share says what part of the capacity the rate is.
func (l *latencyResult) share() string {
	if l.Capacity == 0 { // results of before it was measured
		return "half of what it can with a backlog"
	}
	return "half of the " + humanize.Comma(int64(l.Capacity)) + " it can when they arrive one of each stream in turn"
}
