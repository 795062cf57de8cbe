package main

import (
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/pipelines"
)

// answerFlags adds the flags of commands that answer some frames without the full model, beyond the policy.
func (r *run) answerFlags(f *pflag.FlagSet) {
	f.BoolVar(&r.options.Provisional, "provisional", false, "with --outcomes-topic (and --full transform, or on a device): send the small net's answer of a miss at once; it stands if the full model does not answer (docs/trust.md)")
	f.DurationVar(&r.options.FullTimeout, "full-timeout", pipelines.DefaultFullTimeout, "with --provisional: how long to wait for the full model")
	f.Float64Var(&r.options.MaxFalseHits, "max-false-hits", 0, "share of a stream's hits that may be wrong; if audits show more, its threshold becomes stricter until the full model answers (with --full inline, or on a device; default the pack's value)")
	f.BoolVar(&r.options.Guard, "guard", false, "detect rare classes, at the cost of more misses (the pack's own policy only)")
	f.StringVar(&r.options.AuditSecretFile, "audit-secret-file", "", "file with the secret key (16 bytes or more) that selects them (default one stored in --out)")
	f.BoolVar(&r.options.SkipSimilar, "skip-similar", false, "a frame nearly equal to the last answered one of its stream reuses its answer; frames are compared at 1/8 of their size (docs/trust.md)")
	f.IntVar(&r.options.SimilarFrames, "similar-frames", pipelines.DefaultSimilarFrames, "with --skip-similar: maximum consecutive frames that reuse one answer")
	f.DurationVar(&r.options.SimilarFor, "similar-for", pipelines.DefaultSimilarFor, "with --skip-similar: how long an answer may be reused, in record time")
}

// dataFlags adds the flags that say where rows go, and what a process may hold.
func (r *run) dataFlags(f *pflag.FlagSet) {
	f.StringVar(&r.options.Out, "out", "", "folder of the data set")
	f.DurationVar(&r.options.FileAge, "file-age", parquetio.DefaultFileAge, "maximum time until outcomes are on disk")
	f.DurationVar(&r.options.DiskWait, "disk-wait", parquetio.DefaultGiveUp, "how long to wait for a full or read-only disk before the run fails")
	f.IntVar(&r.options.Parallelism, "parallelism", 0, "branches of the caching step on prism, task slots on flink (default the runner's)")
	f.Int64Var(&r.options.Credit, "credit", pipelines.DefaultCredit, "maximum bytes of frames in flight (prism)")
	f.Int64Var(&r.options.ModelMemory, "model-memory", 0, "memory limit in bytes for loaded nets; specialists beyond it are evicted, least recently used first (default no limit)")
}

// providerFlag adds the flag for what the full model runs on.
func providerFlag(f *pflag.FlagSet, o *pipelines.Options) {
	f.StringVar((*string)(&o.Provider), "provider", string(models.CPU), "execution provider of the full model: cpu, cuda, tensorrt or openvino, if ONNX Runtime has it")
}

// configFlags adds the flags for a configuration file.
func (r *run) configFlags(f *pflag.FlagSet) {
	f.StringVar(&r.config, "config", "", "YAML file with settings, keyed by the names of these flags; flags and the environment override it")
	f.BoolVar(&r.print, "print-config", false, "print the settings as such a file and exit; passwords are not included")
}

// configured takes settings from the configuration file where one is named. done says that they were only to be printed.
func (r *run) configured(c *cobra.Command) (done bool, err error) {
	if r.config != "" {
		if err := configure(c.Flags(), r.config); err != nil {
			return false, usageError{err}
		}
	}
	if !r.print {
		return false, nil
	}
	text, err := printed(c.Flags())
	if err == nil {
		_, err = io.WriteString(c.OutOrStdout(), text)
	}
	return true, err
}

// watchFlags adds the flags that say how a run is watched.
func (r *run) watchFlags(f *pflag.FlagSet) {
	f.StringVar(&r.metrics, "metrics", "", "serve Prometheus metrics, health and a live page at this HOST:PORT, e.g. 127.0.0.1:9090 (default off)")
	f.IntVar(&r.liveFrames, "live-frames", 0, "with --metrics: number of frames of a chosen stream that the live page shows beside their answers, at most 100; pictures may be private (default none)")
	f.StringVar(&r.pprof, "pprof", "", "serve Go's profiles of this process at this loopback HOST:PORT (default off)")
	f.StringVar(&r.otel, "otel-endpoint", "", "send OpenTelemetry traces to this OTLP receiver (gRPC, no TLS), HOST:PORT: a span per bundle, its stages as children (default what OTEL_EXPORTER_OTLP_ENDPOINT names, else off)")
	f.StringVar(&r.format, "output", "text", "format of the summary at the end: text (on stderr) or json (on stdout)")
}
