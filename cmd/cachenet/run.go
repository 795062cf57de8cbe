package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/monitor"
	"github.com/cachenet/cachenet/pipelines"
)

func runCommand() *cobra.Command {
	var o pipelines.Options
	var cluster clusterFlags
	var format, metrics string
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the pipeline: frames from Kafka, outcomes to Parquet",
		Long: `Reads frames from a Kafka topic, answers each with the stream's cached specialist or the full model, and
writes one outcome row a frame to Parquet. It goes on until SIGINT or SIGTERM and then drains: every frame
that was read has its row. Started again with the same --out it reads only frames that have no row there. At the end
it says how many frames were hits, misses and errors, and why.`,
		Example: `  cachenet run --brokers localhost:9092 --topic frames --group cachenet --pack models/packs/scenes --out out
  cachenet run --brokers localhost:9092 --topic frames --group cachenet --pack models/packs/scenes --out out --until-end`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) (failure error) {
			if err := required(c, "brokers", "topic", "group", "pack", "out"); err != nil {
				return err
			}
			if err := checkRun(c, o, format); err != nil {
				return err
			}
			if err := cluster.check(); err != nil {
				return err
			}
			o.Cluster = cluster.Cluster
			bar := newProgress(c.ErrOrStderr(), "frames")
			bar.topic = o.Topic
			o.Started = bar.follow
			if metrics != "" {
				m, err := monitor.Start(metrics, monitor.Run{Topic: o.Topic, Version: pipelines.Version, DeadLetters: o.DeadLetterTopic != ""})
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
				err = errors.Join(err, tellRun(c, o, format, total))
			}
			return err
		},
	}
	f := c.Flags()
	cluster.add(f)
	f.StringVar(&o.Topic, "topic", "", "topic with the frames")
	f.StringVar(&o.Group, "group", "", "consumer group whose committed offsets follow the rows")
	f.StringVar(&o.Offset, "offset", "oldest", "where partitions without rows begin: oldest, newest or a number")
	f.StringVar(&o.Pack, "pack", "", "folder of the pack")
	f.StringVar(&o.Policy, "policy", "", "paper, full or small instead of the pack's own")
	f.StringVar(&o.Full, "full", "", "where the full model runs: transform or inline (default the pack's choice)")
	f.BoolVar(&o.Guard, "guard", false, "find rare classes again, at the price of more misses (the pack's own policy only)")
	f.StringVar(&o.Out, "out", "", "folder of the data set")
	f.StringVar(&o.OutcomesTopic, "outcomes-topic", "", "topic that gets the outcomes as JSON too")
	f.StringVar(&o.DeadLetterTopic, "dead-letter-topic", "", "topic that gets the frames without an answer, untouched; see cachenet redeliver")
	f.DurationVar(&o.FileAge, "file-age", parquetio.DefaultFileAge, "outcomes are on disk at the latest after this")
	f.DurationVar(&o.DiskWait, "disk-wait", parquetio.DefaultGiveUp, "how long a disk that is full or read-only is waited for before the run fails")
	f.BoolVar(&o.UntilEnd, "until-end", false, "end where the topic ends now")
	f.StringVar(&o.Runner, "runner", "prism", "prism (in this process), direct (the same) or flink")
	f.StringVar(&o.Endpoint, "endpoint", "", "job service of the flink runner, HOST:PORT")
	f.StringVar(&o.FlinkREST, "flink-rest", "", "Flink's own REST address, HOST:PORT, by which a job is ended")
	f.DurationVar(&o.Checkpoints, "checkpoints", pipelines.DefaultCheckpoints, "time between two checkpoints on flink")
	f.StringVar(&o.WorkerPool, "worker-pool", "", "where flink finds workers (cachenet workers), HOST:PORT (default this process)")
	f.BoolVar(&o.Share, "share", false, "share the topic's partitions with the other members of the group")
	f.DurationVar(&o.SessionTimeout, "session-timeout", kafkaio.DefaultSessionTimeout, "with --share: how long a member may be silent before others take over")
	f.IntVar(&o.Parallelism, "parallelism", 0, "branches of the caching step on prism, task slots on flink (default the runner's)")
	f.Int64Var(&o.Credit, "credit", pipelines.DefaultCredit, "bytes of frames in flight at most (prism)")
	f.StringVar((*string)(&o.Provider), "provider", string(models.CPU), "what the full model runs on: cpu, cuda, tensorrt or openvino, where ONNX Runtime has it")
	f.Int64Var(&o.ModelMemory, "model-memory", 0, "bytes of loaded nets beyond which specialists are closed, least recently used first (default all stay)")
	f.StringVar(&metrics, "metrics", "", "serve Prometheus metrics, health and a live page at this HOST:PORT, e.g. 127.0.0.1:9090 (default not)")
	f.StringVar(&format, "output", "text", "how the run says at its end how it went: text (on stderr) or json (on stdout)")
	return c
}
