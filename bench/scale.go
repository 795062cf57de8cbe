package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

// scaleResult is cachenet run with so many streams on so many partitions and cores.
type scaleResult struct {
	Streams    int            `json:"streams"`
	Partitions int            `json:"partitions"`
	Cores      int            `json:"cores"`
	Frames     int            `json:"frames"` // of all streams
	FPS        spread         `json:"fps"`
	CPUUs      spread         `json:"cpu_us"`
	RSSMB      spread         `json:"rss_mb"`
	Rounds     []sample       `json:"rounds"`
	Latency    *latencyResult `json:"latency,omitempty"`
	Failed     string         `json:"failed,omitempty"`
}

const (
	scaleFrames = 48_000 // of all streams together, where that is enough for
	scaleLeast  = 20     // frames of each
)

func scaleCommand() *cobra.Command {
	var p plan
	var streams, partitions, cores []int
	var rate float64
	c := &cobra.Command{
		Use:   "scale",
		Short: "Measure cachenet run with 10 to 10,000 streams and write scale.json and scale.md",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p.Sizes, p.Contenders = []string{"32x32"}, []string{"run"}
			r, err := p.begin(c.Context())
			if err != nil {
				return err
			}
			for _, n := range streams {
				for _, parts := range partitions {
					for _, of := range cores {
						s, err := p.scale(c.Context(), n, parts, of, rate)
						if err != nil {
							return err
						}
						r.Scale = append(r.Scale, s)
					}
				}
			}
			fmt.Fprint(c.OutOrStdout(), r.markdown())
			return r.write(p.Out, "scale")
		},
	}
	f := c.Flags()
	p.flags(f)
	f.IntSliceVar(&streams, "of-streams", []int{10, 100, 1000, 10000}, "numbers of streams")
	f.IntSliceVar(&partitions, "of-partitions", []int{6, 64}, "numbers of partitions")
	f.IntSliceVar(&cores, "of-cores", []int{2, 1}, "numbers of cores that run may use")
	f.Float64Var(&rate, "rate", 1000, "frames/s of all streams together at which latency is measured")
	for _, fixed := range []string{"sizes", "contenders", "frames", "streams", "partitions", "also", "sweep", "earlier"} {
		_ = f.MarkHidden(fixed) // it is there
	}
	return c
}

// scale measures one combination. A failure of run is a result; one of the benchmark is an error.
func (p plan) scale(ctx context.Context, streams, partitions, cores int, rate float64) (r scaleResult, err error) {
	p.Streams, p.Partitions, p.cores = streams, partitions, cores
	p.Frames = max(scaleLeast, scaleFrames/streams)
	p.unjudged = true
	r = scaleResult{Streams: streams, Partitions: partitions, Cores: cores, Frames: p.Frames * streams}
	w, all, err := p.open(ctx, "32x32")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	w.say("%d streams, %d partitions, %d cores", streams, partitions, cores)
	e := &entry{contender: all[0]}
	if _, err := w.rounds(ctx, []*entry{e}, time.Now().Add(p.Budget)); err != nil {
		return r, err
	}
	c := e.result(w)
	r.FPS, r.CPUUs, r.RSSMB, r.Rounds, r.Failed = c.FPS, c.CPUUs, c.RSSMB, c.Rounds, c.Failed
	if r.Failed == "" && p.Latency {
		if r.Latency, err = w.latencies(ctx, rate, p.Rounds, apart); err != nil && ctx.Err() == nil {
			r.Failed, err = err.Error(), nil
		}
	}
	return r, err
}

// onCores is a command that may use the first n cores; 0: all.
func onCores(n int, argv []string) []string {
	if n == 0 {
		return argv
	}
	return append([]string{"taskset", "-c", fmt.Sprintf("0-%d", n-1)}, argv...)
}

func renderScale(b *strings.Builder, all []scaleResult) {
	if len(all) == 0 {
		return
	}
	b.WriteString("\n### Streams\n\nMedian (lowest – highest); hits and memory of the run at full speed.\n\n| streams | partitions | cores | frames/s | processor time a frame, µs | hits, % | memory, MB | hit p50, p99, ms | frames, rows |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range all {
		head := fmt.Sprintf("| %s | %d | %d |", humanize.Comma(int64(s.Streams)), s.Partitions, s.Cores)
		if len(s.Rounds) == 0 {
			fmt.Fprintf(b, "%s failed: %s | | | | | |\n", head, strings.Join(strings.Fields(s.Failed), " "))
			continue
		}
		waits := ""
		if s.Latency != nil {
			waits = s.Latency.HitP50.text(1) + ", " + s.Latency.HitP99.text(1) + fmt.Sprintf(" at %.0f frames/s", s.Latency.Rate)
		}
		v := s.Rounds[0].Verdict
		fmt.Fprintf(b, "%s %s | %s | %.1f | %s | %s | %s, %s |\n", head, s.FPS.text(0), s.CPUUs.text(0), 100*v.HitRate, s.RSSMB.text(0), waits, humanize.Comma(int64(s.Frames)), v.rows())
	}
}
