package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/transforms"
)

// job is one pipeline with what it stores in addition to its rows.
type job struct {
	config
	work    work
	session *session.Session
	memory  *transforms.Memory // nil where the transforms run in other processes
}

// start opens the job's session and what the job keeps in it. The snapshot of the streams' state is removed last, when
// nothing can fail any more: it is used once. No frame has been read when start returns.
func startJob(ctx context.Context, c config, w work, assigned *kafkaio.Assignment) (*job, error) {
	j := &job{config: c, work: w, session: session.Open(c.Group, c.credit())}
	if err := j.open(ctx, assigned); err != nil {
		return nil, errors.Join(err, j.session.Close())
	}
	return j, nil
}

// open opens the parts of the session. They are closed in reverse, after those that the DoFns open.
func (j *job) open(ctx context.Context, assigned *kafkaio.Assignment) error {
	j.session.Begin(j.Topic, j.work.done)
	if err := j.openLedger(ctx, assigned); err != nil {
		return err
	}
	if j.Provisional {
		if err := kafkaio.Announce(j.session, kafkaio.WriteConfig{Job: j.session.ID(), Cluster: j.Cluster, Topic: j.OutcomesTopic}); err != nil {
			return err
		}
	}
	if j.Server != nil {
		if err := j.controller(); err != nil {
			return err
		}
		if err := kafkaio.OpenUplink(j.session, j.Server.uplink(j.Options)); err != nil {
			return err
		}
	}
	if j.packs != nil {
		if err := j.packs.Attach(j.session); err != nil {
			return err
		}
	}
	gaps, err := parquetio.OpenGapLog(j.Out, j.session)
	if err != nil {
		return err
	}
	if err := gaps.Note(j.gaps()); err != nil {
		return err
	}
	if !j.runner.credit {
		return nil
	}
	if err := markFrames(j.session, j.Out, j.Topic, j.work.suspects); err != nil {
		return err
	}
	if j.memory, err = transforms.Remember(j.session, j.work.streams); err != nil || j.Share {
		return err
	}
	return removeStreams(j.Out, j.Topic)
}

// controller adds to a device's job the part that decides where its misses are answered.
func (j *job) controller() error {
	full := j.Server.full
	if mode := j.Server.offload(); full == 0 && (mode == offload.ModeAuto || mode == offload.ModeHere) {
		var err error
		if full, err = j.model.TimeFull(); err != nil {
			return fmt.Errorf("--offload %s: try the full model on the device: %w", mode, err)
		}
	}
	_, err := session.Part(j.session, offload.Part, func() (*offload.Device, error) {
		return offload.NewDevice(j.Server.offload(), full, time.Now()), nil
	})
	return err
}

func (j *job) openLedger(ctx context.Context, assigned *kafkaio.Assignment) error {
	if j.Only != nil {
		return nil // nothing is committed
	}
	if assigned != nil {
		return kafkaio.OpenLedgerIn(ctx, j.Cluster, *assigned, j.work.spans, j.session)
	}
	return kafkaio.OpenLedger(ctx, j.Cluster, j.Group, j.Topic, j.work.spans, j.session)
}

// gaps logs which frames are lost, and returns the offsets that will have no row.
func (j *job) gaps() parquetio.Gaps {
	for partition, offsets := range j.work.lost {
		for from, to := range offsets.All() {
			slog.Warn("frames lost: retention deleted them before they were read",
				"topic", j.Topic, "partition", partition, "from", from, "to", to, "offsets", to-from)
		}
	}
	return parquetio.Gaps{Lost: parquetio.Durable{j.Topic: j.work.lost}, Unwanted: parquetio.Durable{j.Topic: j.work.unwanted}}
}

// wait runs the pipeline to its end, which ctx brings about by draining it, and closes the session. err is what the
// runner says; closing is what went wrong afterwards. With nothing left to read no pipeline is started.
func (j *job) wait(ctx context.Context) (err, closing error) {
	defer context.AfterFunc(ctx, j.session.Drain)()
	if j.Started != nil {
		j.Started(j.session)
	}
	if !j.work.empty() { // Flink never lists a job without work, so nobody could cancel it
		pipeline, root := beam.NewPipelineWithRoot()
		build(root, j.plan())
		err = j.runner.execute(ctx, execution{
			id: j.session.ID(), pipeline: pipeline, spans: j.work.spans, topic: j.Topic, out: j.Out, job: j.session,
		})
	}
	closing = j.session.Close()
	if e := parquetio.WriteStages(j.Out, j.session); e != nil && err == nil && closing == nil { // else that error already reports the disk
		slog.Warn("stage times could not be stored with the outcomes", "error", e)
	}
	if err == nil && closing == nil && j.memory != nil && !j.Share {
		closing = keepStreams(j.Out, j.Topic, j.nets, j.session.DurableOffsets(j.Topic), j.memory.Streams())
	}
	return err, closing
}

// plan collects what the graph needs.
func (j *job) plan() plan {
	id := j.session.ID()
	p := plan{model: j.model, branches: j.runner.branches, fenced: j.runner.fenced}
	p.model.Job = id
	p.device = j.Server != nil
	p.read = kafkaio.ReadConfig{Job: id, Cluster: j.Cluster, Topic: j.Topic, Spans: j.work.spans, Stay: j.runner.stay, Answers: p.device}
	if j.runner.elsewhere {
		p.read.StopFile = parquetio.PrivatePath(j.Out, stopName(id))
	}
	p.parquet = parquetio.WriteConfig{Job: id, Dir: j.Out, Pack: j.pack, Version: Version, FileAge: j.FileAge, GiveUp: j.DiskWait,
		EveryBundle: j.runner.everyBundle, Shared: j.runner.shared || j.Share}
	if j.OutcomesTopic != "" {
		p.topic = &kafkaio.WriteConfig{Job: id, Cluster: j.Cluster, Topic: j.OutcomesTopic, Early: j.runner.credit}
		p.model.Early = true
	}
	if j.AnswersTopic != "" {
		p.answers = &kafkaio.WriteConfig{Job: id, Cluster: j.Cluster, Topic: j.AnswersTopic}
	}
	if j.DeadLetterTopic != "" {
		p.dead = &kafkaio.WriteConfig{Job: id, Cluster: j.Cluster, Topic: j.DeadLetterTopic}
	}
	return p
}
