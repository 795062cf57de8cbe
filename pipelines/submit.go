package pipelines

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/hooks"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/extworker"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	"google.golang.org/protobuf/types/known/structpb"
)

// Jobs are submitted here and not by Beam's own Go submission (runners/universal, 2.77): none of its flags asks for
// Flink's checkpoints, without which Flink cannot restart a job, and for each job on prism it leaves an empty file in
// the temporary folder, or panics where that folder cannot be written.

// portable encodes the pipeline for workers that are found at pool. They have the program already, so there is
// nothing to stage.
func portable(ctx context.Context, pipeline *beam.Pipeline, pool string) (*pipepb.Pipeline, error) {
	edges, _, err := pipeline.Build()
	if err != nil {
		return nil, err
	}
	workers, err := graphx.CreateEnvironment(ctx, graphx.URNEnvExternal, func(context.Context) string { return pool })
	if err != nil {
		return nil, err
	}
	workers.Dependencies = nil
	return graphx.Marshal(edges, &graphx.Options{Environment: workers})
}

// loopback starts a worker in this process. It returns where the runner finds it, and how to stop it.
func loopback(ctx context.Context) (pool string, stop func(), err error) {
	here, err := extworker.StartLoopback(ctx, 0)
	if err != nil {
		return "", nil, fmt.Errorf("start a worker in this process: %w", err)
	}
	return here.EnvironmentConfig(ctx), func() { _ = here.Stop(ctx) }, nil // Stop never returns an error
}

// submit starts a job with options by the names of Beam's Java options, and returns its id.
func submit(ctx context.Context, client jobpb.JobServiceClient, name string, graph *pipepb.Pipeline, options map[string]any) (job string, err error) {
	hooks.SerializeHooksToOptions() // a worker in this process else logs past the runner, and warns that it does
	o, err := structpb.NewStruct(options)
	if err != nil {
		return "", err
	}
	prepared, err := client.Prepare(ctx, &jobpb.PrepareJobRequest{JobName: name, Pipeline: graph, PipelineOptions: o})
	if err != nil {
		return "", err
	}
	token, err := runnerlib.Stage(ctx, prepared.GetPreparationId(), prepared.GetArtifactStagingEndpoint().GetUrl(), "", prepared.GetStagingSessionToken())
	if err != nil {
		return "", err
	}
	return runnerlib.Submit(ctx, client, prepared.GetPreparationId(), token)
}
