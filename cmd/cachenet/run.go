package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/monitor"
	"github.com/cachenet/cachenet/pipelines"
)

// run is a run as it is asked for on the command line.
type run struct {
	command         *cobra.Command
	options         pipelines.Options
	cluster         clusterFlags
	format, metrics string
	pprof           string
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
writes one outcome row a frame to Parquet. It goes on until SIGINT or SIGTERM and then drains: every frame
that was read has its row. Started again with the same --out it reads only frames that have no row there. At the end
it says how many frames were hits, misses and errors, and why.`,
		Example: `  cachenet run --brokers localhost:9092 --topic frames --group cachenet --pack models/packs/scenes --out out
  cachenet run --brokers localhost:9092 --topic frames --group cachenet --pack models/packs/scenes --out out --until-end
  cachenet run --config cachenet.yaml --metrics 127.0.0.1:9090`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return r.start(c) },
	}
	f := r.command.Flags()
	r.cluster.add(f)
	f.StringVar(&r.options.Topic, "topic", "", "topic with the frames")
	f.StringVar(&r.options.Group, "group", "", "consumer group whose committed offsets follow the rows")
	f.StringVar(&r.options.Offset, "offset", "oldest", "where partitions without rows begin: oldest, newest or a number")
	f.StringVar(&r.options.Pack, "pack", "", "folder of the pack")
	f.StringVar(&r.options.Policy, "policy", "", "paper, full or small instead of the pack's own")
	f.StringVar(&r.options.Full, "full", "", "where the full model runs: transform or inline (default the pack's choice)")
	f.BoolVar(&r.options.Guard, "guard", false, "find rare classes again, at the price of more misses (the pack's own policy only)")
	f.Float64Var(&r.options.AuditRate, "audit-rate", pipelines.DefaultAuditRate, "share of the hits that the full model is asked about too, so that report can bound how many are wrong; 0: none")
	f.StringVar(&r.options.AuditSecretFile, "audit-secret-file", "", "file with the key (16 bytes or more) of the coin that chooses them (default one kept in --out)")
	f.Float64Var(&r.options.MaxFalseHits, "max-false-hits", 0, "share of a stream's hits that may be wrong; where audits show more, its threshold becomes stricter, in the end the full model answers (default what the pack says)")
	f.BoolVar(&r.options.SkipSimilar, "skip-similar", false, "a frame nearly equal to the last answered one of its stream takes that answer, and is not decoded (docs/trust.md)")
	f.IntVar(&r.options.SimilarFrames, "similar-frames", pipelines.DefaultSimilarFrames, "with --skip-similar: frames in a row that may take one answer")
	f.DurationVar(&r.options.SimilarFor, "similar-for", pipelines.DefaultSimilarFor, "with --skip-similar: how long an answer may be taken, in record time")
	f.StringVar(&r.options.Out, "out", "", "folder of the data set")
	f.StringVar(&r.options.OutcomesTopic, "outcomes-topic", "", "topic that gets the outcomes as JSON too")
	f.StringVar(&r.options.DeadLetterTopic, "dead-letter-topic", "", "topic that gets the frames without an answer, untouched; see cachenet redeliver")
	f.DurationVar(&r.options.FileAge, "file-age", parquetio.DefaultFileAge, "outcomes are on disk at the latest after this")
	f.DurationVar(&r.options.DiskWait, "disk-wait", parquetio.DefaultGiveUp, "how long a disk that is full or read-only is waited for before the run fails")
	f.BoolVar(&r.options.UntilEnd, "until-end", false, "end where the topic ends now")
	f.StringVar(&r.options.Runner, "runner", "prism", "prism (in this process), direct (the same) or flink")
	f.StringVar(&r.options.Endpoint, "endpoint", "", "job service of the flink runner, HOST:PORT")
	f.StringVar(&r.options.FlinkREST, "flink-rest", "", "Flink's own REST address, HOST:PORT, by which a job is ended")
	f.DurationVar(&r.options.Checkpoints, "checkpoints", pipelines.DefaultCheckpoints, "time between two checkpoints on flink")
	f.StringVar(&r.options.WorkerPool, "worker-pool", "", "where flink finds workers (cachenet workers), HOST:PORT (default this process)")
	f.BoolVar(&r.options.Share, "share", false, "share the topic's partitions with the other members of the group")
	f.DurationVar(&r.options.SessionTimeout, "session-timeout", kafkaio.DefaultSessionTimeout, "with --share: how long a member may be silent before others take over")
	f.IntVar(&r.options.Parallelism, "parallelism", 0, "branches of the caching step on prism, task slots on flink (default the runner's)")
	f.Int64Var(&r.options.Credit, "credit", pipelines.DefaultCredit, "bytes of frames in flight at most (prism)")
	f.StringVar((*string)(&r.options.Provider), "provider", string(models.CPU), "what the full model runs on: cpu, cuda, tensorrt or openvino, where ONNX Runtime has it")
	f.Int64Var(&r.options.ModelMemory, "model-memory", 0, "bytes of loaded nets beyond which specialists are closed, least recently used first (default all stay)")
	f.StringVar(&r.metrics, "metrics", "", "serve Prometheus metrics, health and a live page at this HOST:PORT, e.g. 127.0.0.1:9090 (default not)")
	f.StringVar(&r.pprof, "pprof", "", "serve Go's profiles of this process at this loopback HOST:PORT (default not)")
	f.StringVar(&r.format, "output", "text", "how the run says at its end how it went: text (on stderr) or json (on stdout)")
	f.StringVar(&r.config, "config", "", "YAML file with settings, its keys the names of these flags; flags and the environment win over it")
	f.BoolVar(&r.print, "print-config", false, "print the settings as such a file, and run nothing; passwords are not among them")
	return r
}

// start settles what is asked for, and runs it.
func (r *run) start(c *cobra.Command) error {
	if r.config != "" {
		if err := configure(c.Flags(), r.config); err != nil {
			return usageError{err}
		}
	}
	if r.print {
		text, err := printed(c.Flags())
		if err == nil {
			_, err = io.WriteString(c.OutOrStdout(), text)
		}
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
	return r.cluster.check()
}

// follow runs the pipeline and shows how it goes.
func (r *run) follow(c *cobra.Command) (failure error) {
	o := r.options
	bar := newProgress(c.ErrOrStderr(), "frames")
	bar.topic = o.Topic
	o.Started = bar.follow
	if r.pprof != "" {
		_, closePprof, err := monitor.StartPprof(r.pprof)
		if err != nil {
			return err
		}
		defer func() { failure = errors.Join(failure, closePprof()) }()
	}
	if r.metrics != "" {
		m, err := monitor.Start(r.metrics, monitor.Run{Topic: o.Topic, Version: pipelines.Version, DeadLetters: o.DeadLetterTopic != ""})
		if err != nil {
			return err
		}
		defer func() { failure = errors.Join(failure, m.Close()) }()
		o.Started = func(job *session.Session) { m.Follow(job); bar.follow(job) }
	}
	var total parquetio.Tally
	o.Ended = func(t parquetio.Tally) { total = t }
	err := pipelines.Run(c.Context(), o)
	bar.stop()
	if bar.followed() { // else nothing was read, and err says why
		err = errors.Join(err, tellRun(c, o, r.format, total))
	}
	return err
}
