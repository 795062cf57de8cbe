package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/monitor"
	"github.com/cachenet/cachenet/pipelines"
)

// run is a run as it is asked for on the command line.
type run struct {
	command         *cobra.Command
	options         pipelines.Options
	cluster         clusterFlags
	format, metrics string
	liveFrames      int
	pprof, otel     string
	config          string
	print           bool
}

func runCommand() *cobra.Command { return newRun().command }

func newRun() *run {
	r := &run{}
	r.command = &cobra.Command{
		Use:   "run",
		Short: "Run the pipeline: frames from Kafka, outcomes to Parquet",
		Long: `Reads frames from a Kafka topic, answers each with the stream's cached specialist or the full model, and
writes one outcome row per frame to Parquet. It runs until SIGINT or SIGTERM and then drains: every frame
that was read gets its row. Restarted with the same --out it reads only frames that have no row there. At the end
it prints the number of hits, misses and errors, and the reasons of the errors.

When the folder of the pack, or a link to it, holds another version, the run drains and goes on with that one; SIGHUP makes
it look at once. A version that cannot be used is refused, and the old one goes on.`,
		Example: `  cachenet run --brokers localhost:9092 --topic frames --group cachenet --pack models/packs/scenes --out out
  cachenet run --brokers localhost:9092 --topic frames --group cachenet --pack models/packs/scenes --out out --until-end
  cachenet run --config cachenet.yaml --metrics 127.0.0.1:9090`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return r.start(c) },
	}
	f := r.command.Flags()
	r.cluster.add(f)
	f.StringVar(&r.options.Topic, "topic", "", "topic with the frames")
	f.StringVar(&r.options.Group, "group", "", "consumer group whose committed offsets follow the durable rows")
	f.StringVar(&r.options.Offset, "offset", "oldest", "where to start in partitions without rows: oldest, newest or a number")
	r.packFlags(f, "the whole pack is fetched before")
	policyFlags(f, &r.options)
	f.StringVar(&r.options.Full, "full", "", "where the full model runs: transform or inline (default the pack's choice)")
	r.answerFlags(f)
	r.dataFlags(f)
	f.StringVar(&r.options.OutcomesTopic, "outcomes-topic", "", "topic to also write outcomes to, as JSON")
	f.StringVar(&r.options.DeadLetterTopic, "dead-letter-topic", "", "topic for frames without an answer, unchanged; see cachenet redeliver")
	f.BoolVar(&r.options.UntilEnd, "until-end", false, "stop at the current end of the topic")
	f.StringVar(&r.options.Runner, "runner", "prism", "prism (in this process), direct (an alias of prism) or flink")
	f.StringVar(&r.options.Endpoint, "endpoint", "", "job service of the flink runner, HOST:PORT")
	f.StringVar(&r.options.FlinkREST, "flink-rest", "", "Flink's REST address, HOST:PORT, used to cancel a job")
	f.DurationVar(&r.options.Checkpoints, "checkpoints", pipelines.DefaultCheckpoints, "checkpoint interval on flink")
	f.StringVar(&r.options.WorkerPool, "worker-pool", "", "address of the worker pool for flink (cachenet workers), HOST:PORT (default this process)")
	f.BoolVar(&r.options.Share, "share", false, "share the topic's partitions with the other members of the group")
	f.DurationVar(&r.options.SessionTimeout, "session-timeout", kafkaio.DefaultSessionTimeout, "with --share: session timeout of the consumer group")
	providerFlag(f, &r.options)
	r.watchFlags(f)
	r.configFlags(f)
	return r
}

// start settles what is asked for, and runs it.
func (r *run) start(c *cobra.Command) error {
	if done, err := r.configured(c); done || err != nil {
		return err
	}
	if err := required(c, "brokers", "topic", "group", "pack", "out"); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	r.options.Cluster = r.cluster.Cluster
	return r.follow(c)
}

// check refuses settings that contradict each other.
func (r *run) check() error {
	if err := checkRun(r.command, r.options, r.format); err != nil {
		return err
	}
	if r.liveFrames < 0 || r.liveFrames > monitor.MaxLiveFrames {
		return usageError{fmt.Errorf("--live-frames %d: must be 0 to %d", r.liveFrames, monitor.MaxLiveFrames)}
	}
	if r.metrics == "" {
		if err := only(r.command, "with --metrics", "live-frames"); err != nil {
			return err
		}
	}
	return r.cluster.check()
}

// follow runs the pipeline and shows how it goes.
func (r *run) follow(c *cobra.Command) (failure error) {
	o := r.options
	watchers, stop, err := r.observe(c.Context())
	if err != nil {
		return err
	}
	defer func() { failure = errors.Join(failure, stop()) }()
	var all jobs
	bar := newProgress(c.ErrOrStderr(), "frames")
	bar.topic, bar.share = o.Topic, o.Share
	watchers = append(watchers, all.follow, bar.follow)
	o.Started = func(job *session.Session) {
		for _, follow := range watchers {
			follow(job)
		}
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	o.Reload = asked(c.Context(), hangups)
	var total parquetio.Tally
	o.Ended = func(t parquetio.Tally) { total = t }
	err = pipelines.Run(c.Context(), o)
	bar.stop()
	if bar.followed() && (err == nil || total.Frames() > 0) { // else nothing has a row, and err says why
		err = errors.Join(err, tellRun(c, o, r.format, total, &all))
	}
	return err
}

// observe starts what watches the run from outside, as far as it is asked for: profiles, traces, metrics. Each job of the run
// goes to the watchers; stop ends them all.
func (r *run) observe(ctx context.Context) (watchers []func(*session.Session), stop func() error, err error) {
	var closers []func() error
	closeAll := func() (err error) {
		for _, closer := range slices.Backward(closers) {
			err = errors.Join(err, closer())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	if r.pprof != "" {
		_, closer, err := monitor.StartPprof(r.pprof)
		if err != nil {
			return nil, nil, err
		}
		closers = append(closers, closer)
	}
	about := monitor.Run{Topic: r.options.Topic, Version: pipelines.Version, DeadLetters: r.options.DeadLetterTopic != "", LiveFrames: r.liveFrames}
	traces, err := monitor.StartTraces(ctx, r.otel, about)
	if err != nil {
		return nil, nil, err
	}
	if traces != nil {
		closers = append(closers, func() error { traces.Close(); return nil })
		watchers = append(watchers, func(job *session.Session) { job.TraceTo(traces) })
	}
	if r.metrics != "" {
		m, err := monitor.Start(r.metrics, about)
		if err != nil {
			return nil, nil, err
		}
		closers = append(closers, m.Close)
		watchers = append(watchers, m.Follow)
	}
	return watchers, closeAll, nil
}

// asked passes signals on, one at a time, until ctx is done.
func asked(ctx context.Context, signals <-chan os.Signal) <-chan struct{} {
	reload := make(chan struct{})
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			select {
			case <-ctx.Done():
				return
			case reload <- struct{}{}:
			}
		}
	}()
	return reload
}

// policyFlags adds the flags that say which policy answers, and how.
func policyFlags(f *pflag.FlagSet, o *pipelines.Options) {
	f.StringVar(&o.Policy, "policy", "", "paper, full or small instead of the pack's own")
	f.StringVar(&o.PolicyFile, "policy-file", "", "file with the policy to use instead of the pack's own, as cachenet tune writes it (docs/tuning.md)")
	f.Float64Var(&o.AuditRate, "audit-rate", pipelines.DefaultAuditRate, "share of hits that the full model answers too, so that report can bound how many hits are wrong; 0: none")
}

// packFlags adds the flags that say where the pack is; without is what happens without --cache-bytes.
func (r *run) packFlags(f *pflag.FlagSet, without string) {
	f.StringVar(&r.options.Pack, "pack", "", "folder of the pack, or its address if a server offers it: http://HOST:PORT/v1/packs/NAME, or for cachenet edge also kafka:TOPIC/NAME (docs/packs.md)")
	f.StringVar(&r.options.Cache, "cache", "", "with an address as --pack: folder that the pack is kept in")
	f.Int64Var(&r.options.CacheBytes, "cache-bytes", 0, "with an address as --pack: maximum bytes of its nets, on disk and in memory; specialists are fetched when frames need them (default: "+without+")")
}
