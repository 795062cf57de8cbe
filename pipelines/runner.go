package pipelines

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"     // registers the local runner
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal" // registers the portable runner
)

// Runners.
const (
	RunnerPrism  = "prism"
	RunnerDirect = "direct" // prism under another name: Beam's Go direct runner has no state and drops data
	RunnerFlink  = "flink"
)

// noSplits keeps prism 2.77 from splitting bundles of stateful stages, which loses state (fixed upstream
// after 2.77, apache/beam#40624).
const noSplits = "prism_disable_sdf_split"

// runner is what differs between runners; everything else is the same graph.
type runner struct {
	name        string // that Beam knows it by
	branches    int    // of the caching step
	everyBundle bool   // files end with their bundle, because the runner replays bundles after a failure
	credit      bool   // source and sink share a process, so credit can stand in for backpressure
}

// chooseRunner sets Beam's own flags for the runner and says what the graph has to do for it.
func chooseRunner(o Options) (runner, error) {
	switch o.Runner {
	case "", RunnerPrism, RunnerDirect:
		if o.Runner == RunnerDirect {
			slog.Warn("--runner direct means prism: Beam's own direct runner loses data")
		}
		addExperiment(noSplits)
		if !slices.Contains(jobopts.GetExperiments(), noSplits) {
			return runner{}, fmt.Errorf("prism without --experiments=%s loses state", noSplits)
		}
		branches := o.Parallelism
		if branches <= 0 {
			branches = 2 * runtime.NumCPU()
		}
		giveThreads()
		return runner{name: "prism", branches: branches, credit: true}, nil
	case RunnerFlink:
		if o.Endpoint == "" {
			return runner{}, fmt.Errorf("--runner flink: --endpoint is missing: name the job service, HOST:PORT")
		}
		*jobopts.Endpoint = o.Endpoint
		if *jobopts.EnvironmentType == "" {
			*jobopts.EnvironmentType = "LOOPBACK"
		}
		if o.Parallelism > 0 {
			*jobopts.Parallelism = o.Parallelism
		}
		return runner{name: "universal", branches: 1, everyBundle: true}, nil
	}
	return runner{}, fmt.Errorf("--runner %q: must be prism, direct (the same) or flink", o.Runner)
}

func addExperiment(name string) {
	if have := *jobopts.Experiments; have == "" {
		*jobopts.Experiments = name
	} else if !slices.Contains(strings.Split(have, ","), name) {
		*jobopts.Experiments = have + "," + name
	}
}
