package pipelines

import (
	"fmt"
	"log/slog"
	"runtime"
)

// chooseRunner says what the graph has to do for the runner.
func chooseRunner(o Options) (runner, error) {
	switch o.Runner {
	case "", RunnerPrism, RunnerDirect:
		if o.Runner == RunnerDirect {
			slog.Warn("--runner direct means prism: Beam's own direct runner loses data")
		}
		branches := o.Parallelism
		if branches <= 0 {
			branches = runtime.NumCPU()
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
