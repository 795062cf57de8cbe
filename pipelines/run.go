// Package pipelines assembles the graph of a run, chooses its runner and finds out what is left to read.
// It is the only package that knows both the transforms and the connectors.
package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/cachenet/cachenet/connectors/flow"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
)

// Run reads frames and writes outcomes until the topic's end (UntilEnd) or until ctx is done; then it
// drains: every frame that was read has its durable row when Run returns nil. beam.Init must have been
// called. Only one process at a time may run a group into a data set; the second gets an error.
func Run(ctx context.Context, o Options) (err error) {
	if err := o.validate(); err != nil {
		return err
	}
	r, err := chooseRunner(o)
	if err != nil {
		return err
	}
	pack, err := models.OpenPack(o.Pack)
	if err != nil {
		return err
	}
	model, err := o.model(pack)
	if err != nil {
		return err
	}
	if err := pack.Verify(); err != nil {
		return err
	}
	unlock, err := parquetio.Lock(o.Out, o.Group)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	p := plan{model: model, branches: r.branches}
	job := fmt.Sprintf("%s-%d-%d", o.Group, os.Getpid(), runs.Add(1))
	p.parquet = parquetio.WriteConfig{Job: job, Dir: o.Out, Pack: pack.ID(), Version: Version, EveryBundle: r.everyBundle, FileAge: o.FileAge}
	if o.OutcomesTopic != "" {
		p.topic = &kafkaio.WriteConfig{Job: job, Cluster: o.Cluster, Topic: o.OutcomesTopic}
		if _, err := kafkaio.EnsureTopic(ctx, o.Cluster, o.OutcomesTopic, outcomePartitions); err != nil {
			return err
		}
	}
	if o.DeadLetterTopic != "" {
		p.dead = &kafkaio.WriteConfig{Job: job, Cluster: o.Cluster, Topic: o.DeadLetterTopic}
		if err := kafkaio.EnsureDeadLetterTopic(ctx, o.Cluster, o.DeadLetterTopic); err != nil {
			return err
		}
	}
	if p.read, err = o.reading(ctx, job); err != nil {
		return err
	}
	return execute(ctx, o, r, p)
}

// reading finds out what is left to read.
func (o Options) reading(ctx context.Context, job string) (kafkaio.ReadConfig, error) {
	none := kafkaio.ReadConfig{}
	partitions, err := kafkaio.Describe(ctx, o.Cluster, o.Topic)
	if err != nil {
		return none, err
	}
	durable, err := parquetio.Recover(ctx, o.Out)
	if err != nil {
		return none, err
	}
	spans, err := spans(partitions, durable, o.Topic, o.Offset, o.UntilEnd)
	if err != nil {
		return none, err
	}
	for _, s := range spans {
		slog.Debug("resume", "topic", o.Topic, "partition", s.Partition, "from", s.From, "done", s.Done.Count())
	}
	return kafkaio.ReadConfig{Job: job, Cluster: o.Cluster, Topic: o.Topic, Spans: spans}, nil
}

// execute runs the planned graph and closes what the DoFns keep in this process.
func execute(ctx context.Context, o Options, r runner, p plan) error {
	credit := o.Credit
	if credit <= 0 {
		credit = DefaultCredit
	}
	if !r.credit {
		credit = 0
	}
	job := p.read.Job
	link := flow.Open(job, credit)
	ledger, err := kafkaio.OpenLedger(ctx, o.Cluster, o.Group, o.Topic, p.read.Spans, link)
	if err != nil {
		return errors.Join(err, flow.Close(job))
	}
	stop := context.AfterFunc(ctx, link.Drain)
	defer stop()
	if o.Started != nil {
		o.Started(link)
	}
	pipeline, s := beam.NewPipelineWithRoot()
	build(s, p)
	// the runner must outlive ctx: cancelling it would drop the frames in flight
	_, err = beam.Run(context.WithoutCancel(ctx), r.name, pipeline)
	if err != nil {
		err = clear(err)
	}
	return errors.Join(err, parquetio.Close(job), ledger.Close(context.WithoutCancel(ctx)), flow.Close(job))
}

// outcomePartitions is what the outcomes topic gets when it has to be made.
const outcomePartitions = 6
