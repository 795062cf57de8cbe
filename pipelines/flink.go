package pipelines

import (
	"context"
	"errors"
	"fmt"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"

	"github.com/cachenet/cachenet/connectors/parquetio"
)

// DefaultCheckpoints is the time between two checkpoints on Flink, and so about what a restart does again.
const DefaultCheckpoints = 5 * time.Second

// reachable is how long a job service may take to answer.
const reachable = 8 * time.Second

// sourceStay is how long the partitions of a worker stay in a bundle. Flink's portable runner takes up what the
// source left only when the bundle ends, which it does once a second: leaving at once would mean one helping of
// frames a second.
const sourceStay = time.Second

// renewAfter bounds what a job gathers in Flink: each time the source comes back, Beam 2.70 leaves some state behind
// (apache/beam#27648), about 1 kB a second and partition. The next job resumes from the files, so nothing is lost.
const renewAfter = 6 * time.Hour

// flink submits jobs to Beam's Flink job service.
type flink struct {
	endpoint    string // of Beam's job service, HOST:PORT
	rest        string // of Flink itself, HOST:PORT
	pool        string // of the workers, HOST:PORT; empty: this process is the worker
	parallelism int    // 0: the cluster's default
	checkpoints time.Duration
}

// execute runs the pipeline until everything is read, or until ctx is done. Then the job is cancelled: a job on
// Flink that takes checkpoints does not end by itself. The source drains first; what has no row when the job is
// cancelled is read again by the next run.
func (f flink) execute(ctx context.Context, x execution) error {
	running := context.WithoutCancel(ctx)
	pool := f.pool
	if pool == "" {
		here, stop, err := loopback(running)
		if err != nil {
			return fmt.Errorf("flink: %w", err)
		}
		defer stop()
		pool = here
	}
	if err := parquetio.RemovePrivate(x.out, stopName(x.id)); err != nil { // of a job whose process had the same number
		return err
	}
	graph, err := portable(running, x.pipeline, pool)
	if err != nil {
		return fmt.Errorf("flink: encode the pipeline: %w", err)
	}
	conn, err := grpcx.Dial(ctx, f.endpoint, reachable)
	if err != nil { // its text says no more than that
		return fmt.Errorf("flink: connect to the job service %s: start it or correct --endpoint: no response within %v", f.endpoint, reachable)
	}
	defer conn.Close()
	client := jobpb.NewJobServiceClient(conn)
	job, err := submit(ctx, client, x.id, graph, f.options(x.id))
	if err != nil {
		return fmt.Errorf("flink: submit the job to %s: %w", f.endpoint, err)
	}
	ended := make(chan error, 1)
	waiting, forget := context.WithCancel(running)
	defer forget()
	go func() { ended <- runnerlib.WaitForCompletion(waiting, client, job) }()
	done := make(chan error, 1)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go func() { done <- f.watch(watching, x) }()
	select {
	case err := <-ended:
		if err != nil {
			return plainly(err)
		}
		return nil
	case err := <-done:
		forget() // it would call the end below an error
		return errors.Join(err, f.end(running, job))
	}
}

// options are those of the job, by the names of Beam's Java options.
func (f flink) options(id string) map[string]any {
	options := map[string]any{
		"beam:option:app_name:v1":               id,
		"beam:option:experiments:v1":            []any{"beam_fn_api"},
		"beam:option:streaming:v1":              true,
		"beam:option:checkpointing_interval:v1": f.checkpoints.Milliseconds(),
		// else what a bundle emits while a checkpoint is taken waits for the next bundle, which after an Impulse
		// never comes: the job stands still
		"beam:option:finish_bundle_before_checkpointing:v1": true,
	}
	if f.parallelism > 0 {
		options["beam:option:parallelism:v1"] = f.parallelism
	}
	return options
}
