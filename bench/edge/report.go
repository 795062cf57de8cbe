package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/cachenet/cachenet/models/policy"
)

// The prose of docs/bench-edge.md. The first has a place for the settings of the run.
var (
	//go:embed text/head.txt
	headText string
	//go:embed text/goals.txt
	goalsText string
	//go:embed text/fused.txt
	fusedText string
	//go:embed text/codes.txt
	codesText string
	//go:embed text/exits.txt
	exitsText string
)

// document is what make bench-edge writes.
type document struct {
	options options
	results []*result
}

// settings describes the run.
func (d document) settings() string {
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version = "commit " + s.Value[:min(12, len(s.Value))] + ", "
			}
		}
	}
	return fmt.Sprintf("%s%s, %s/%s, %d processors; seeds %d to %d, %d devices, %d frames each, 10 frames/s",
		version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), firstSeed, firstSeed+d.options.seeds-1, d.options.devices, d.options.frames)
}

// markdown is the document.
func (d document) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, headText, d.settings())
	for _, r := range d.results {
		r.inputs(&b)
	}
	d.goals(&b)
	for _, r := range d.results {
		r.summary(&b)
	}
	d.fused(&b)
	d.codes(&b)
	fmt.Fprint(&b, "\n## Calibrated and uncalibrated exits\n\n", exitsText)
	for _, r := range d.results {
		r.exits(&b)
	}
	for _, r := range d.results {
		r.grid(&b)
		r.tables(&b)
	}
	return b.String()
}

func (r *result) inputs(b *strings.Builder) {
	f, p := r.facts, r.plan
	fmt.Fprintf(b, "\n### %s\n\n%s. Time on this machine, µs: decode %.0f, small net %.0f, full model %.0f (%.0f each in a batch of 16).\n",
		f.Name, f.Source, f.DecodeUs, f.Small.Us, f.Full.Us, f.Full.Us16/16)
	fmt.Fprintf(b, "Chosen on the tuning part: threshold %.3f with the window, %.3f without; weight of the prior in fused answers %.1f on misses, %.1f on all frames.\n\n",
		p.window.Threshold, p.plain.Threshold, p.missed.Prior, p.all.Prior)
	fmt.Fprint(b, "| form of the upload | bytes | encode µs | decode µs | full model right, % | used |\n|---|---|---|---|---|---|\n")
	for i, form := range f.Forms {
		used := "no"
		if slices.Contains(p.forms, i) {
			used = "yes"
		}
		fmt.Fprintf(b, "| %s | %d | %.0f | %.0f | %.1f | %s |\n", form.Name, form.mean(), form.EncodeUs, form.DecodeUs, 100*f.right(i), used)
	}
}

// goals compares the measured figures with those to reach.
func (d document) goals(b *strings.Builder) {
	fmt.Fprint(b, "\n## Goals\n\n| what | at least |")
	rows := []string{
		"mean latency of *" + oursHere + "* against the faster of device only and server only: geometric mean over the grid | 3.17 x |",
		"the same, worst cell | 1.0 x |",
		"accuracy lost in any cell of the grid, points | ≤ 1 |",
		"bytes up against server only | ≤ 1/14 |",
		"p95 latency of first answers of *" + provisional + "*, round trips of 0.1 to 1 s, against the small net alone | ≤ 1.2 x |",
		"accuracy of fused late answers over the better of device only (small net) and server only, at the server's latency, points (± standard error over 40 seeds) | above both |",
		"frames that *" + oursHere + "* drops in an outage of 20 s | 0 |",
		"controller (*" + oursHere + "*) against the best fixed setting over all links: mean, worst | > 1.0 x, ≥ 1.0 x |",
		"the first two for *" + oursRule + "*, whose device does not hold the full model: mean, worst | 3.17 x, 1.0 x |",
	}
	rule := "\n|---|---|"
	for _, r := range d.results {
		fmt.Fprintf(b, " %s |", r.facts.Name)
		rule += "---|"
		for i, value := range r.reached() {
			rows[i] += " " + value + " |"
		}
	}
	fmt.Fprint(b, rule, "\n| ", strings.Join(rows, "\n| "), "\n", goalsText)
}

// reached returns the measured figures in the order of the goals; those that reach their goal are bold.
func (r *result) reached() []string {
	mean, worst, lost, _, _ := r.gain(oursHere)
	_, sd := r.bySeed(oursHere)
	m, gap := r.fusedGain()
	dropped := 0.0
	for _, c := range r.cells {
		if c.cutOff() {
			v, _ := c.of(oursHere, func(f figures) float64 { return f.Dropped })
			dropped = max(dropped, v)
		}
	}
	_, one, least, _, _ := r.against(oursHere, fixedSettings)
	beside, besideWorst, _, _, _ := r.gain(oursRule)
	return []string{
		bold(mean >= 3.17, "%.2f ± %.2f x", mean, sd), bold(worst >= 1, "%.2f x", worst), bold(lost <= budget, "%.2f", 100*lost),
		bold(r.bytes(oursHere) >= 14, "1/%.0f", r.bytes(oursHere)), bold(r.provisionally() <= 1.2, "%.2f x", r.provisionally()),
		bold(m > gap, "%+.2f ± %.2f", m, gap), bold(dropped == 0, "%.0f", dropped), bold(one >= 1.0005 && least >= 0.9995, "%.3f x, %.3f x", one, least),
		bold(beside >= 3.17 && besideWorst >= 1, "%.1f x, %.2f x", beside, besideWorst),
	}
}

func bold(reached bool, format string, values ...any) string {
	text := fmt.Sprintf(format, values...)
	if !reached {
		return text + " (missed)"
	}
	return "**" + text + "**"
}

// summary lists the contenders by their figures over the grid.
func (r *result) summary(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", r.facts.Name)
	fmt.Fprint(b, "| mean latency against the faster of device only and server only, over the grid | geometric mean | worst cell | where | cells | against server only | against device only, full model | most accuracy lost, points | bytes up against server only |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range []string{cascade, paperWay, oursFixed, oursFused, oursRule, oursOne, oursCode, oursHere, oursSkip, oursBandit} {
		_, worst, lost, cells, where := r.gain(name)
		mean, sd := r.bySeed(name)
		fmt.Fprintf(b, "| %s | %.2f ± %.2f x | %.2f x | %s | %d | %.1f x | %.2f x | %.2f | 1/%.1f |\n", name, mean, sd, worst, where, cells, r.over(serverOnly, name), r.over(deviceFull, name), 100*lost, r.bytes(name))
	}
	gone, goneSD := spread(r.unlocal)
	fmt.Fprintf(b, "\nOn streams without locality, which are not part of the grid, *%s* loses %.2f ± %.2f points at this threshold.\n", oursHere, gone, goneSD)
	fmt.Fprintf(b, "First answers of *%s*: p95 at most %.2f x that of the small net alone, where the round trip takes 0.1 to 1 s.\n", provisional, r.provisionally())
	c := r.middle()
	acc := func(name string) string {
		m, sd := c.of(name, func(f figures) float64 { return 100 * f.Accuracy })
		return fmt.Sprintf("%.2f ± %.2f %%", m, sd)
	}
	m, sd := r.fusedGain()
	fmt.Fprintf(b, "Accuracy at the server's latency, every frame up: small net alone %s, server only %s, **fused %s** (%+.2f ± %.2f points over the better: mean and its standard error over %d seeds).\n", acc(deviceSmall), acc(serverOnly), acc(allFused), m, sd, len(r.fused))
	fmt.Fprint(b, "\n| controller | best fixed setting over all links, in hindsight | against it, geometric mean | worst | where | against the best of each link, in hindsight |\n|---|---|---|---|---|---|\n")
	for _, name := range []string{oursRule, oursHere, oursSkip, oursBandit} {
		settings := fixedSettings
		if name == oursRule {
			settings = fixedOnServer
		}
		best, mean, worst, oracle, where := r.against(name, settings)
		fmt.Fprintf(b, "| %s | %s | %.3f x | %.3f x | %s | %.3f x |\n", name, best, mean, worst, where, oracle)
	}
}

// fused compares fused late answers with the answers that they combine.
func (d document) fused(b *strings.Builder) {
	fmt.Fprint(b, "\n## Late answers, fused\n\n", fusedText)
	fmt.Fprint(b, "\n| accuracy at the server's latency, every frame up, % | weight of the prior | small net alone | server only | fused, answers with one class | fused | over the better of the two, points | ours, rule | ours, rule, fused |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range d.results {
		c := r.middle()
		fmt.Fprintf(b, "| %s | %.1f |", r.facts.Name, r.plan.all.Prior)
		for _, name := range []string{deviceSmall, serverOnly, oneFused, allFused} {
			m, _ := c.of(name, func(f figures) float64 { return 100 * f.Accuracy })
			fmt.Fprintf(b, " %.2f |", m)
		}
		m, sd := r.fusedGain()
		fmt.Fprintf(b, " %+.2f ± %.2f |", m, sd)
		for _, name := range []string{oursRule, oursFused} {
			m, _ := c.of(name, func(f figures) float64 { return 100 * f.Accuracy })
			fmt.Fprintf(b, " %.2f |", m)
		}
		fmt.Fprintln(b)
	}
}

// codes shows how much feature codes could gain at most.
func (d document) codes(b *strings.Builder) {
	fmt.Fprint(b, "\n## Feature codes\n\n", codesText)
	fmt.Fprint(b, "\n| mean latency against the faster of device only and server only, over the grid | upload, bytes | ours, rule | with a code of 256 bytes that costs nothing | gain at most |\n|---|---|---|---|---|\n")
	for _, r := range d.results {
		own, _, _, _, _ := r.gain(oursRule)
		code, _, _, _, _ := r.gain(oursCode)
		fmt.Fprintf(b, "| %s | %d | %.2f x | %.2f x | %.1f %% |\n", r.facts.Name, r.facts.Forms[r.plan.smallest].mean(), own, code, 100*(code/own-1))
	}
}

// grid lists the mean latency in every cell.
func (r *result) grid(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s: mean latency, ms\n\nThe quickest that loses at most a point and drops nothing is bold.\n\n| link | device | ", r.facts.Name)
	names := []string{deviceFull, serverOnly, cascade, paperWay, oursFixed, oursRule, oursHere, oursBandit}
	fmt.Fprintf(b, "%s |\n|---|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	for _, c := range r.cells {
		best := c.winner(names)
		fmt.Fprintf(b, "| %s | %g x |", c.Name, c.factor)
		for _, name := range names {
			text := fmt.Sprintf("%.1f", c.mean(name))
			if !c.sustained(name) {
				text += " (drops)"
			}
			if name == best {
				text = "**" + text + "**"
			}
			fmt.Fprintf(b, " %s |", text)
		}
		fmt.Fprintln(b)
	}
}

// tables lists every figure for some links, with a device that is 5 times slower.
func (r *result) tables(b *strings.Builder) {
	for _, c := range r.cells {
		if c.factor != 5 || !slices.Contains(shown, c.Name) && c.headline {
			continue
		}
		fmt.Fprintf(b, "\n### %s: %s, device 5 x slower\n\n", r.facts.Name, c.Name)
		fmt.Fprint(b, "| | mean ms | p50 | p95 | p99 | first answer p95 | accuracy % | first answer % | agree % | up B/frame | down B/frame | dropped % |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
		for _, k := range contenders(r.plan) {
			f := func(of func(figures) float64) float64 { m, _ := c.of(k.Name, of); return m }
			mean, sd := c.of(k.Name, func(f figures) float64 { return f.Mean })
			acc, accSD := c.of(k.Name, func(f figures) float64 { return 100 * f.Accuracy })
			fmt.Fprintf(b, "| %s | %.1f ± %.1f | %.1f | %.1f | %.1f | %.1f | %.1f ± %.1f | %.1f | %.1f | %.0f | %.0f | %.1f |\n", k.Name, mean, sd,
				f(func(f figures) float64 { return f.P50 }), f(func(f figures) float64 { return f.P95 }), f(func(f figures) float64 { return f.P99 }),
				f(func(f figures) float64 { return f.FirstP95 }), acc, accSD, f(func(f figures) float64 { return 100 * f.First }),
				f(func(f figures) float64 { return 100 * f.Agreement }), f(func(f figures) float64 { return f.Up }), f(func(f figures) float64 { return f.Down }),
				f(func(f figures) float64 { return 100 * f.Dropped }))
		}
	}
}

// shown are the links of the grid that have a table of their own.
var shown = []string{"1 Mbit/s, 50 ms", "20 Mbit/s, 50 ms"}

// exits compares exits of the plain small net at stated probabilities, calibrated and not.
func (r *result) exits(b *strings.Builder) {
	f := r.facts
	fmt.Fprintf(b, "\n| %s: an exit is taken from | temperature | exits, %% of frames | right among them, %% |\n|---|---|---|---|\n", f.Name)
	for _, at := range []float32{0.7, 0.8, 0.9, 0.95} {
		for _, net := range []struct {
			name string
			p    [][]float32
		}{{"1 (uncalibrated)", f.rawSmall}, {fmt.Sprintf("%.2f", f.Small.Temperature), f.small}} {
			taken, right, n := 0.0, 0.0, 0.0
			for _, row := range rowsOf(f.Report) {
				class := policy.Largest(net.p[row])
				n++
				if net.p[row][class] >= at {
					taken++
					right += share(class == f.Labels[row])
				}
			}
			fmt.Fprintf(b, "| %.2f | %s | %.1f | %.1f |\n", at, net.name, 100*taken/n, 100*right/max(1, taken))
		}
	}
}
