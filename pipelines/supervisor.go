package pipelines

import (
	"context"
	"errors"
	"log/slog"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/retry"
)

// supervisor runs one job after the other, each of them surveyed, planned, started and waited for, until one ends for
// a reason after which nothing follows (see steps).
type supervisor struct {
	config
	scope scope
	begun bool // a job of this run has started
	total parquetio.Tally
}

// jobEnd is how a job ended.
type jobEnd struct {
	reason reason
	err    error
	rows   int64 // that it made durable
}

// run runs jobs over the scope until ctx is done or nothing is left to read. The reason is the last job's. The error
// is nil where the table says that all is well.
func (s *supervisor) run(ctx context.Context) (reason, error) {
	for losses := 0; ; {
		end := s.job(ctx)
		switch {
		case end.rows > 0:
			losses = 0
		case end.reason == reasonLost:
			losses++
		}
		switch {
		case losses > lostInARow:
			return reasonFailed, end.err
		case end.reason == reasonLost:
			slog.Warn("the job is resumed from the files", "topic", s.Topic, "error", end.err)
		case steps[end.reason].next != nextResume:
			return end.reason, end.err
		}
	}
}

// job runs one job.
func (s *supervisor) job(ctx context.Context) jobEnd {
	running, ask := context.WithCancelCause(ctx)
	defer ask(nil)
	j, err := s.start(running)
	if err != nil {
		end := jobEnd{reason: why(err, nil, context.Cause(running)), err: err}
		if end.reason == reasonStopped {
			end.err = nil // nothing was read yet, so nothing is left without a row
		}
		return end
	}
	if !s.UntilEnd && s.scope.assigned == nil {
		go watchTopic(running, s.config, len(j.work.partitions), ask)
	}
	reloaded := make(chan config, 1)
	go watchPack(running, s.config, reloaded, ask)
	err, closing := j.wait(running)
	select {
	case other := <-reloaded:
		s.follow(other)
	default:
	}
	rows := parquetio.Written(j.session)
	s.total.Merge(rows)
	return jobEnd{why(err, closing, context.Cause(running)), errors.Join(err, closing), rows.Frames()}
}

// start starts the next job. It waits for brokers that do not respond, except for the first job: a wrong address should be
// reported at once. An assignment came from a broker, so its first job waits too.
func (s *supervisor) start(ctx context.Context) (*job, error) {
	try := func() (*job, error) { return awaitDisk(ctx, s.Options, func() (*job, error) { return s.try(ctx) }) }
	if !s.begun && s.scope.assigned == nil {
		return try()
	}
	return retry.Get(ctx, kafkaAway(s.Topic), try)
}

func (s *supervisor) try(ctx context.Context) (*job, error) {
	f, err := survey(ctx, s.config)
	if err != nil {
		return nil, err
	}
	if s.UntilEnd && s.scope.ends == nil {
		s.scope.ends = endsOf(f.partitions)
	}
	s.scope.later = s.begun
	w, err := planWork(f, s.Options, s.scope)
	if err != nil {
		return nil, err
	}
	j, err := startJob(ctx, s.config, w, s.scope.assigned)
	if err != nil {
		return nil, err
	}
	s.begun = true
	return j, nil
}

// kafkaAway says how an outage of the brokers is treated while the next job is planned.
func kafkaAway(topic string) retry.Outage {
	return retry.Outage{
		Passes: func(err error) bool { return errors.Is(err, kafkaio.ErrUnavailable) },
		Began: func(err error) {
			slog.Warn("Kafka is unavailable before the next job; retrying", "topic", topic, "for", retry.Budget, "error", err)
		},
	}
}

// follow makes the next job use another version of the pack.
func (s *supervisor) follow(other config) {
	streams := "keep their state"
	if len(other.heirs) == 0 {
		streams = "start with empty state: classes or specialists differ"
	}
	slog.Warn("the pack is reloaded", "before", s.pack, "now", other.pack, "streams", streams)
	old := s.model
	s.config = other
	old.Drop()
}
