package pipelines

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/session"
)

// runner is what differs between runners; everything else is the same graph.
type runner struct {
	branches    int           // of the caching step
	everyBundle bool          // files end with their bundle, because the runner replays bundles after a failure
	shared      bool          // rows may come from several processes at once
	fenced      bool          // sinks need an output, see fence
	credit      bool          // source and sink share a process, so credit can stand in for backpressure
	stay        time.Duration // how long the source stays in a bundle, see kafkaio.ReadConfig
	elsewhere   bool          // the source runs in other processes, which a file tells to drain
	renew       time.Duration // after how long a job is drained and followed by the next one; 0: never

	execute func(context.Context, execution) error
}

// execution is one run of a pipeline, to its end.
type execution struct {
	id       string
	pipeline *beam.Pipeline
	spans    []kafkaio.Span
	topic    string
	out      string
	job      *session.Session
}

// chooseRunner says what the graph has to do for the runner.
func chooseRunner(o Options) (runner, error) {
	switch o.Runner {
	case "", RunnerPrism, RunnerDirect:
		if o.Runner == RunnerDirect {
			slog.Warn("--runner direct means prism: Beam's own direct runner loses data")
		}
		branches := o.Parallelism
		if branches <= 0 {
			branches = 2 * runtime.NumCPU()
		}
		giveThreads()
		return runner{branches: branches, credit: true, fenced: true, execute: onPrism}, nil
	case RunnerFlink:
		if o.Endpoint == "" {
			return runner{}, fmt.Errorf("--runner flink: --endpoint is missing: name the job service, HOST:PORT")
		}
		if o.FlinkREST == "" {
			return runner{}, fmt.Errorf("--runner flink: --flink-rest is missing: name Flink's REST address, HOST:PORT, which is used to cancel the job")
		}
		f := flink{endpoint: o.Endpoint, rest: o.FlinkREST, pool: o.WorkerPool, parallelism: o.Parallelism, checkpoints: o.Checkpoints}
		if f.checkpoints <= 0 {
			f.checkpoints = DefaultCheckpoints
		}
		return runner{branches: 1, everyBundle: true, shared: true, stay: sourceStay, elsewhere: f.pool != "", renew: renewAfter, execute: f.execute}, nil
	}
	return runner{}, fmt.Errorf("--runner %q: must be prism, direct (the same) or flink", o.Runner)
}
