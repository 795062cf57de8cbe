package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/broker"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/pipelines"
)

// defaultPack is the bundled pack, seen from the root of the project.
const defaultPack = "models/packs/scenes"

// demo is the whole data flow in one process.
type demo struct {
	production production
	look       look
	options    pipelines.Options
	out        io.Writer // progress
	keep       bool      // the frames, for replays with other settings
	pipeline   func(context.Context, pipelines.Options) error
}

func demoCommand() *cobra.Command {
	d := demo{pipeline: pipelines.Run}
	var out, format string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Try the whole pipeline: broker, frames, outcomes and a summary, in under a minute",
		Long: `Starts the embedded broker, publishes generated frames of many streams at a steady rate while the pipeline
answers them (that gives the latencies), then sends the same frames through at full speed three times: with the
cache, with the full model on every frame, and with the small model alone (that gives the speed-up).

The rows, a page of charts and the frames stay in the folder --out, so that explain and replay can be tried on them.`,
		Example: "  cachenet demo\n  cachenet demo --streams 200 --frames 60 --output json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(format); err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join("out", time.Now().UTC().Format("demo-20060102-150405"))
			}
			d.options.Out, d.out = out, c.ErrOrStderr()
			if err := d.run(c.Context()); err != nil {
				return err
			}
			if err := summary(c.Context(), c.OutOrStdout(), out, format); err != nil {
				return err
			}
			return d.tellNext(c.Context(), out)
		},
	}
	f := c.Flags()
	addSchedule(f, &d.production, 24, 120, 60, 12)
	d.look.add(f, "640x360")
	f.IntVar(&d.production.partitions, "partitions", 6, "partitions of the topic")
	f.StringVar(&d.options.Pack, "pack", defaultPack, "folder of the pack")
	f.StringVar(&d.options.Full, "full", "", "where the full model runs: transform or inline (default the pack's choice)")
	f.StringVar(&out, "out", "", "folder of the data set (default out/demo-<time>)")
	f.BoolVar(&d.keep, "keep-frames", true, "keep the frames in the folder too, about 17 kB each")
	f.StringVar(&format, "output", "text", "summary as text or json")
	return c
}

// tellNext writes the page, and says what can be tried next, in commands to copy.
func (d *demo) tellNext(ctx context.Context, out string) error {
	page := filepath.Join(out, "report.html")
	if err := htmlReport(ctx, out, page); err != nil {
		return err
	}
	next := [][2]string{
		{"the page, the worst streams first", "open " + page + " in a browser"},
		{"these figures again", "report " + out},
		{"why was a frame of the worst stream answered so?", "explain " + out},
	}
	if d.keep {
		next = append(next,
			[2]string{"what would another threshold have done?", fmt.Sprintf("replay --against %s --pack %s --set threshold=0.95 --html replay.html", out, d.options.Pack)},
			[2]string{"which threshold is best for these frames?", fmt.Sprintf("tune --data %s --pack %s --out policy.json", filepath.Join(out, keptFolder), d.options.Pack)},
			[2]string{"run again with it", fmt.Sprintf("replay --against %s --pack %s --policy-file policy.json", out, d.options.Pack)})
	}
	fmt.Fprintf(d.out, "\neverything is in %s; what next:\n", out)
	for i, n := range next {
		command := n[1]
		if i > 0 {
			command = os.Args[0] + " " + command
		}
		fmt.Fprintf(d.out, "  %s\n      %s\n", n[0], command)
	}
	return nil
}

// run publishes and answers the frames live, then replays them.
func (d *demo) run(ctx context.Context) (err error) {
	p, o := &d.production, &d.options
	if p.schedule.Source, err = d.look.open(); err != nil {
		return err
	}
	if err := p.validate(); err != nil {
		return usageError{err}
	}
	if _, err := os.Stat(filepath.Join(d.options.Out, "outcomes")); err == nil {
		return fmt.Errorf("--out %s already contains outcomes, and the demo uses a new topic each time: choose another folder", d.options.Out)
	}
	pack, err := models.OpenPack(o.Pack)
	if err != nil {
		return err
	}
	if err := pipelines.VerifyPack(pack); err != nil {
		return err
	}
	var kept broker.Options
	if d.keep {
		kept.DataDir = filepath.Join(d.options.Out, keptFolder)
	}
	b, err := broker.Start(kept)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := d.render(ctx); err != nil { // takes seconds: after what can be wrong with the folder
		return err
	}
	p.cluster, p.topic = kafkaio.Cluster{Brokers: []string{b.Addr()}}, keptTopic
	if _, err := kafkaio.EnsureTopic(ctx, p.cluster, p.topic, p.partitions); err != nil {
		return err
	}
	o.Cluster, o.Topic, o.Group, o.AuditRate = p.cluster, p.topic, "demo", pipelines.DefaultAuditRate
	if err := d.live(ctx); err != nil {
		return err
	}
	return d.replays(ctx)
}

// render makes the frames before anything is measured.
func (d *demo) render(ctx context.Context) error {
	var done atomic.Int64
	bar := newProgress(d.out, "rendered")
	bar.total = int64(d.production.streams * d.production.schedule.Frames)
	bar.start(done.Load)
	defer bar.stop()
	return d.production.render(ctx, &done)
}

// live publishes while the pipeline runs, and drains it once every frame has its row.
func (d *demo) live(ctx context.Context) error {
	o := d.options
	running, drain := context.WithCancel(ctx)
	defer drain()
	bar := newProgress(d.out, "live")
	bar.total = int64(d.production.streams * d.production.schedule.Frames)
	defer bar.stop()
	started, finished := make(chan struct{}), make(chan error, 1)
	first := sync.OnceFunc(func() { close(started) })
	o.Started = func(job *session.Session) { bar.follow(job); first() } // again for each later job
	go func() { finished <- d.pipeline(running, o) }()
	select {
	case err := <-finished: // before any frame: it could not start
		return err
	case <-started:
	}
	if err := d.production.run(running); err != nil {
		drain()
		return errors.Join(err, <-finished)
	}
	for bar.rows() < d.production.sent.Load() {
		select {
		case err := <-finished:
			return errors.Join(err, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	drain()
	return errors.Join(<-finished, ctx.Err())
}

// replays sends the topic's frames through again at full speed, by each policy, into the folders where the
// report looks for them.
func (d *demo) replays(ctx context.Context) error {
	for _, r := range []struct{ name, policy string }{
		{"full_only", pipelines.PolicyFull}, {"small_only", pipelines.PolicySmall}, {"cachenet", pipelines.PolicyPack},
	} {
		o := d.options
		o.Out = filepath.Join(d.options.Out, "replay", r.name)
		o.Policy, o.UntilEnd = r.policy, true
		if r.policy != pipelines.PolicyPack {
			o.Full = pipelines.FullAsPack
		}
		bar := newProgress(d.out, "replay "+r.name)
		bar.total = d.production.sent.Load()
		o.Started = bar.follow
		err := d.pipeline(ctx, o)
		bar.stop()
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}
