// Package pipelines assembles the graph of a run, chooses its runner and finds out what is left to read.
// It is the only package that knows both the transforms and the connectors.
package pipelines

import (
	"context"
	"errors"
	"log/slog"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/transforms"
)

// Run reads frames and writes outcomes until the topic's end (UntilEnd) or until ctx is done; then it
// drains: every frame that was read has its durable row when Run returns nil. beam.Init must have been
// called. Only one process at a time may run a group into a data set, and the second gets an error, unless all of
// them share (Options.Share).
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
	lock := parquetio.Lock
	if o.Share {
		lock = parquetio.LockShared
	}
	unlock, err := lock(o.Out, o.Topic, o.Group)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := o.makeTopics(ctx); err != nil {
		return err
	}
	j := job{Options: o, runner: r, model: model, pack: pack.ID()}
	if j.nets, err = netsOf(pack, model); err != nil {
		return err
	}
	if o.Share {
		return j.share(ctx)
	}
	return j.follow(ctx)
}

// makeTopics makes the topics to be written to, where they are not there.
func (o Options) makeTopics(ctx context.Context) error {
	if o.OutcomesTopic != "" {
		if _, err := kafkaio.EnsureTopic(ctx, o.Cluster, o.OutcomesTopic, outcomePartitions); err != nil {
			return err
		}
	}
	if o.DeadLetterTopic != "" {
		return kafkaio.EnsureDeadLetterTopic(ctx, o.Cluster, o.DeadLetterTopic, o.Topic)
	}
	return nil
}

// job is what does not change between the jobs of one process.
type job struct {
	Options
	runner runner
	model  transforms.Model
	pack   string // name@version
	nets   string // what a stream's state depends on
}

// part is what one job reads of the topic; the zero value is all of it.
type part struct {
	assigned *kafkaio.Assignment // by the group; nil: every partition
	grown    bool                // not the first job of this process: partitions unknown so far are new
	ends     map[int32]int64     // where UntilEnd ends; nil: where the topic ends when the job starts
}

// resumptions is how often in a row a job that prism lost is followed by another.
const resumptions = 5

// run reads one part of the topic, to its end or until ctx is done. A job that prism lost is followed by one that
// resumes from the files, as after a crash.
func (j job) run(ctx context.Context, part part) error {
	for lost := 1; ; lost++ {
		err := j.once(ctx, part)
		if !errors.Is(err, errLost) || ctx.Err() != nil || lost > resumptions {
			return err
		}
		slog.Warn("the job is resumed from the files", "topic", j.Topic, "error", err)
	}
}

// once is one job of run.
func (j job) once(ctx context.Context, part part) error {
	link := session.Open(j.Group, j.credit())
	id := link.ID()
	p := plan{model: j.model, branches: j.runner.branches, fenced: j.runner.fenced}
	p.model.Job = id
	p.parquet = parquetio.WriteConfig{Job: id, Dir: j.Out, Pack: j.pack, Version: Version, FileAge: j.FileAge, GiveUp: j.DiskWait,
		EveryBundle: j.runner.everyBundle, Shared: j.runner.shared || j.Share}
	if j.OutcomesTopic != "" {
		p.topic = &kafkaio.WriteConfig{Job: id, Cluster: j.Cluster, Topic: j.OutcomesTopic}
	}
	if j.DeadLetterTopic != "" {
		p.dead = &kafkaio.WriteConfig{Job: id, Cluster: j.Cluster, Topic: j.DeadLetterTopic}
	}
	s, err := j.begin(ctx, part)
	if err != nil {
		return errors.Join(err, link.Close())
	}
	p.read = kafkaio.ReadConfig{Job: id, Cluster: j.Cluster, Topic: j.Topic, Spans: s.spans, Stay: j.runner.stay}
	if j.runner.elsewhere {
		p.read.StopFile = parquetio.PrivatePath(j.Out, stopName(id))
	}
	return j.execute(ctx, link, part, p, s)
}

// execute runs the planned graph and closes what the DoFns keep in this process.
func (j job) execute(ctx context.Context, link *session.Session, part part, p plan, start start) error {
	if err := j.ledger(ctx, part, p.read.Spans, link); err != nil {
		return errors.Join(err, link.Close())
	}
	memory, err := j.attend(link, start)
	if err != nil {
		return errors.Join(err, link.Close())
	}
	stop := context.AfterFunc(ctx, link.Drain)
	defer stop()
	if j.Started != nil {
		j.Started(link)
	}
	pipeline, s := beam.NewPipelineWithRoot()
	build(s, p)
	x := execution{id: link.ID(), pipeline: pipeline, spans: p.read.Spans, topic: j.Topic, out: j.Out, link: link}
	err = j.runner.execute(ctx, x)
	err = errors.Join(err, link.Close())
	if err != nil || memory == nil || j.Share {
		return err
	}
	return j.keep(link.DurableOffsets(j.Topic), memory.Streams())
}

func (j job) credit() int64 {
	switch {
	case !j.runner.credit:
		return 0
	case j.Credit <= 0:
		return DefaultCredit
	}
	return j.Credit
}

func (j job) ledger(ctx context.Context, part part, spans []kafkaio.Span, link *session.Session) error {
	if part.assigned != nil {
		return kafkaio.OpenLedgerIn(ctx, j.Cluster, *part.assigned, spans, link)
	}
	return kafkaio.OpenLedger(ctx, j.Cluster, j.Group, j.Topic, spans, link)
}

// outcomePartitions is what the outcomes topic gets when it has to be made.
const outcomePartitions = 6
