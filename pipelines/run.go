package pipelines

import (
	"context"
	"errors"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
)

// Run reads frames and writes outcomes until the topic's end (UntilEnd) or until ctx is done; then it
// drains: every frame that was read has its durable row when Run returns nil. beam.Init must have been
// called. Only one process at a time may write the rows of a topic into a data set, and the second gets an error,
// unless all of them share (Options.Share).
func Run(ctx context.Context, o Options) (err error) {
	if err := o.validate(); err != nil { // before anything is fetched
		return err
	}
	o, closing, err := o.fetchPack(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	c, err := configure(o)
	if err != nil {
		return err
	}
	if err := o.reach(ctx); err != nil { // before the folder is made: a wrong address should leave nothing behind
		return err
	}
	lock := parquetio.Lock
	if o.Share {
		lock = parquetio.LockShared
	}
	unlock, err := awaitDisk(ctx, o, func() (func() error, error) { return lock(o.Out, o.Topic, o.Group) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if c.model.Secret, err = awaitDisk(ctx, o, o.secret); err != nil {
		return err
	}
	if err := o.createTopics(ctx); err != nil {
		return err
	}
	s := &supervisor{config: c}
	if o.packs != nil {
		defer func() { s.model.Drop() }() // what it fetches ends before its cache is closed
	}
	if o.Ended != nil {
		defer func() { o.Ended(s.total) }()
	}
	if o.Share {
		return share(ctx, s)
	}
	_, err = s.run(ctx)
	return err
}

// reach returns an error if the topic to be read cannot be reached. It creates a server's misses topic where it is not there.
func (o Options) reach(ctx context.Context) error {
	if o.AnswersTopic != "" { // a server's
		return kafkaio.EnsureMissesTopic(ctx, o.Cluster, o.Topic)
	}
	_, err := kafkaio.Describe(ctx, o.Cluster, o.Topic)
	return err
}

// createTopics creates the topics to be written to where they are not there.
func (o Options) createTopics(ctx context.Context) error {
	if o.OutcomesTopic != "" {
		if err := kafkaio.EnsureOutcomesTopic(ctx, o.Cluster, o.OutcomesTopic); err != nil {
			return err
		}
	}
	if o.DeadLetterTopic != "" {
		return kafkaio.EnsureDeadLetterTopic(ctx, o.Cluster, o.DeadLetterTopic, o.Topic)
	}
	return nil
}
