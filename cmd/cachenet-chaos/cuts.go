package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/retry"
)

// startCuts puts a wire between the device and the server's broker, and cuts it for random times at random moments until ctx
// is done. mended waits until it is whole for good.
func (t *trial) startCuts(ctx context.Context, random *rand.Rand) (mended func() error, err error) {
	if t.wire, err = kafkatest.NewWire(t.server); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		for {
			whole, cut := time.Duration(random.Int64N(int64(2*t.pause))), time.Duration(random.Int64N(int64(t.pause)))
			if retry.Pause(ctx, whole) != nil {
				ended <- nil
				return
			}
			if err := t.cut(ctx, cut, random.IntN(2) == 0); err != nil {
				ended <- err
				return
			}
		}
	}()
	return sync.OnceValue(func() error { return <-ended }), nil
}

// cut cuts the wire for a time, or until ctx is done. One cut at a time.
func (t *trial) cut(ctx context.Context, length time.Duration, silent bool) error {
	t.cutting.Lock()
	defer t.cutting.Unlock()
	if err := t.wire.Cut(silent); err != nil {
		return err
	}
	t.cuts++
	_ = retry.Pause(ctx, length) // the wire is mended either way
	return t.wire.Mend(context.WithoutCancel(ctx))
}

// sitOut runs the pipeline through the one long outage, and kills it some time later, when the misses of the outage are on
// their way.
func (t *trial) sitOut(ctx context.Context, after time.Duration) error {
	outage := make(chan error, 1)
	go func() { outage <- t.cut(ctx, t.outage, true) }()
	err := t.runAndKill(ctx, t.outage+after)
	if failed := <-outage; err == nil {
		err = failed
	}
	return err
}
