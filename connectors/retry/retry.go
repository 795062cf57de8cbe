// Package retry retries operations that fail for a reason outside of this process: a broker that does not respond, a full
// disk. It alone decides how often and for how long, so that every package treats an outage alike: with pauses from 50 ms
// to 2 s, each about twice the one before, for at most [Budget], unless the caller has less time. [Pause] is the wait alone.
// It is a leaf that every package may import.
package retry

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Budget is how long an outage is waited for.
const Budget = 10 * time.Minute

// Pauses between two tries.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// Outage says how to treat the failures of one operation. The zero value tries for Budget, in silence, whatever the
// error.
type Outage struct {
	For    time.Duration             // from the first try to the last; 0: Budget
	Passes func(error) bool          // reports whether an error may pass by itself; nil: every one
	Began  func(err error)           // called once, at the first failure that is tried again; may be nil
	Ended  func(after time.Duration) // called once, at a success after failures; may be nil
}

// Do calls try until it succeeds, fails with an error that does not pass, or the outage has lasted too long; then it
// returns that error. When ctx ends it returns the context's error and the last one, both in the chain.
func Do(ctx context.Context, o Outage, try func() error) error {
	_, err := Get(ctx, o, func() (struct{}, error) { return struct{}{}, try() })
	return err
}

// Get is [Do] for an operation with a result.
func Get[T any](ctx context.Context, o Outage, try func() (T, error)) (T, error) {
	var last error
	var since time.Time
	result, err := backoff.Retry(ctx, func() (T, error) {
		var result T
		result, last = try()
		if last != nil && o.Passes != nil && !o.Passes(last) {
			return result, backoff.Permanent(last)
		}
		return result, last
	}, backoff.WithBackOff(pauses()), backoff.WithMaxElapsedTime(o.budget()), backoff.WithNotify(func(err error, _ time.Duration) {
		if since.IsZero() {
			since = time.Now()
			if o.Began != nil {
				o.Began(err)
			}
		}
	}))
	switch {
	case err == nil && !since.IsZero() && o.Ended != nil:
		o.Ended(time.Since(since).Round(time.Millisecond))
	case err != nil && ctx.Err() != nil && last != nil:
		err = fmt.Errorf("%w: %w", ctx.Err(), last)
	case err != nil:
		err = last
	}
	return result, err
}

func (o Outage) budget() time.Duration {
	if o.For > 0 {
		return o.For
	}
	return Budget
}

func pauses() backoff.BackOff {
	b := backoff.NewExponentialBackOff() // with some chance in it, so that members of a group do not ask in step
	b.InitialInterval, b.Multiplier, b.MaxInterval = firstPause, 2, lastPause
	return b
}

// Pause returns nil after d, or the context's error as soon as ctx ends. A d of 0 or less does not wait.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return ctx.Err()
}
