package pipelines

import (
	"errors"
	"maps"
	"sync"

	"github.com/cachenet/cachenet/connectors/flow"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// attend keeps what a job leaves behind beside its rows: gaps, the frames it looks at, and what the streams know.
// end has to be called when the outcomes are closed, with the reason why the job failed, if it did.
func (j job) attend(id string, link *flow.Link, s start) (end func(failed error) error, err error) {
	gaps := parquetio.OpenGapLog(j.Out, link)
	if err := j.tellGaps(s, gaps); err != nil {
		return nil, err
	}
	if !j.runner.credit { // the transforms run elsewhere
		return func(error) error { return gaps.Close() }, nil
	}
	unwatch, err := j.watch(id, s.deaths)
	if err != nil {
		return nil, errors.Join(err, gaps.Close())
	}
	done := followDone(j.Topic, s.done, link)
	memory := transforms.Remember(id, s.streams)
	return func(failed error) error {
		transforms.Forget(id)
		err := gaps.Close()
		if failed != nil || err != nil {
			return err
		}
		if !j.Share {
			err = j.keep(done(), memory.Streams())
		}
		return errors.Join(err, unwatch())
	}, nil
}

// followDone adds up which offsets of the topic are done, beginning with those that are.
func followDone(topic string, before map[int32]schemas.Offsets, link *flow.Link) func() map[int32]schemas.Offsets {
	var mu sync.Mutex
	done := map[int32]schemas.Offsets{}
	add := func(partition int32, o schemas.Offsets) {
		all := done[partition]
		all.Union(o)
		done[partition] = all
	}
	for p, o := range before {
		add(p, o)
	}
	link.OnDurable(func(d flow.Durable) {
		if d.Topic == topic {
			mu.Lock()
			defer mu.Unlock()
			add(d.Partition, d.Offsets)
		}
	})
	return func() map[int32]schemas.Offsets {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(done)
	}
}
