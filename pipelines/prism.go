package pipelines

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
)

// lostBy is in the stack trace of that crash, and in no other.
const lostBy = "worker.(*W).NextInst"

// server is this process's prism, which runs every job of the process.
var prismServer = sync.OnceValues(func() (jobpb.JobServiceClient, error) {
	respondFirst()
	return prism.CreateJobServer(context.Background(), prism.Options{})
})

// onPrism runs a pipeline in this process. Cancelling it would drop the frames in flight; the source drains instead.
func onPrism(ctx context.Context, x execution) error {
	ctx = context.WithoutCancel(ctx)
	client, err := prismServer()
	if err != nil {
		return fmt.Errorf("prism: start in this process: %w", err)
	}
	pool, stop, err := loopback(ctx)
	if err != nil {
		return fmt.Errorf("prism: %w", err)
	}
	defer stop()
	graph, err := portable(ctx, x.pipeline, pool)
	if err != nil {
		return fmt.Errorf("prism: encode the pipeline: %w", err)
	}
	job, err := submit(ctx, client, x.id, graph, prismOptions(x.id))
	if err != nil {
		return fmt.Errorf("prism: submit the job: %w", err)
	}
	err = runnerlib.WaitForCompletion(ctx, client, job)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), lostBy) {
		return errLost
	}
	return plainly(err)
}

// prismOptions are those of a job, by the names of Beam's Java options. Without the second experiment prism 2.77
// splits bundles of stateful stages, which loses state (fixed upstream after 2.77, apache/beam#40624).
func prismOptions(id string) map[string]any {
	return map[string]any{
		"beam:option:app_name:v1":    id,
		"beam:option:experiments:v1": []any{"beam_fn_api", "prism_disable_sdf_split"},
	}
}

// prismThreads is how many of Go's processors in-process prism gets at least: a call of a net is a cgo call, which keeps one
// for up to 10 ms, while the goroutines that bring frames and answers wait. With as many as cores the p99 of a hit is a fifth longer.
const prismThreads = 8

// giveThreads raises GOMAXPROCS; nets are bounded by cores on their own (models).
func giveThreads() { runtime.GOMAXPROCS(max(prismThreads, runtime.NumCPU())) }
