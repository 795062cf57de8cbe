package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// liveCommand compares builds of cachenet while frames arrive at a steady rate.
func liveCommand() *cobra.Command {
	var p plan
	var rates []float64
	c := &cobra.Command{
		Use:   "live",
		Short: "Measure latency and processor time at steady rates; with --also, of several builds in turn",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return p.live(c.Context(), c.OutOrStdout(), rates) },
	}
	f := c.Flags()
	p.flags(f)
	f.Float64SliceVar(&rates, "rates", []float64{0}, "frames/s of all streams together; 0: half of the capacity of --cachenet, measured first")
	for _, fixed := range []string{"contenders", "sweep", "earlier", "latency", "budget", "out", "loop", "python", "peers", "limit"} {
		_ = f.MarkHidden(fixed) // it is there
	}
	return c
}

// builds are the binaries to compare by name, the first one --cachenet.
func (p plan) builds() ([][2]string, error) {
	all := [][2]string{{"run", p.Cachenet}}
	for _, also := range p.Also {
		name, binary, ok := strings.Cut(also, "=")
		if !ok {
			return nil, fmt.Errorf("also %q: must be NAME=BINARY", also)
		}
		all = append(all, [2]string{name, binary})
	}
	return all, nil
}

// live measures all builds at each rate, in interleaved rounds, and prints a table for each size of frames.
func (p plan) live(ctx context.Context, out io.Writer, rates []float64) error {
	builds, err := p.builds()
	if err = errors.Join(err, p.validate()); err != nil {
		return err
	}
	p.unjudged = true
	for _, name := range p.Sizes {
		if err := p.liveSize(ctx, out, name, rates, builds); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (p plan) liveSize(ctx context.Context, out io.Writer, name string, rates []float64, builds [][2]string) (err error) {
	s, err := p.size(name)
	if err != nil {
		return err
	}
	w, err := openWorkload(ctx, p, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	fmt.Fprintf(out, "%s\n\n| frames/s | build | processor time a frame, µs | of the broker | of producer and reader | hit p50, ms | hit p99, ms | miss p99, ms |\n|---|---|---|---|---|---|---|---|\n", name)
	for _, rate := range rates {
		if rate == 0 {
			if rate, err = w.capacity(ctx); err != nil {
				return fmt.Errorf("capacity: %w", err)
			}
			rate /= 2
		}
		found := make([][]waits, len(builds))
		for round := range p.Rounds {
			for i, b := range builds {
				w.Cachenet = b[1]
				n, err := w.latencyRound(ctx, rate, fmt.Sprintf("live-%s-%.0f-%d", b[0], rate, round), apart)
				if err != nil {
					return fmt.Errorf("%s: %w", b[0], err)
				}
				found[i] = append(found[i], n)
				w.say("round %d at %.0f frames/s: %-10s %.1f µs a frame, hit p50 %.1f ms, p99 %.1f ms", round+1, rate, b[0], n.each(n.used.CPU), quantile(n.hit, 0.5), quantile(n.hit, 0.99))
			}
		}
		for i, rounds := range found {
			r := summary(rate, rounds)
			fmt.Fprintf(out, "| %.0f | %s | %s | %s | %s | %s | %s | %s |\n", rate, builds[i][0], r.CPUUs.text(1), r.BrokerUs.text(1), r.BenchUs.text(1), r.HitP50.text(1), r.HitP99.text(1), r.MissP99.text(1))
		}
	}
	return nil
}
