package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("away")

// failing returns an operation that fails the given number of times and counts its calls.
func failing(times int, calls *int) func() error {
	return func() error {
		*calls++
		if *calls <= times {
			return errAway
		}
		return nil
	}
}

func TestAnOutageAndItsEndAreReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, began, ended := 0, 0, 0
		o := Outage{Began: func(err error) {
			began++
			if !errors.Is(err, errAway) {
				t.Error(err)
			}
		}, Ended: func(after time.Duration) {
			ended++
			if after < 50*time.Millisecond || after > time.Minute {
				t.Errorf("ended after %v", after)
			}
		}}
		if err := Do(t.Context(), o, failing(8, &calls)); err != nil || calls != 9 || began != 1 || ended != 1 {
			t.Errorf("error %v, %d calls, outage reported %d times, its end %d times", err, calls, began, ended)
		}
		if err := Do(t.Context(), o, func() error { return nil }); err != nil || began != 1 || ended != 1 {
			t.Errorf("error %v; reported an outage that did not happen", err)
		}
	})
}

func TestTheBudgetEndsRetries(t *testing.T) {
	for budget, want := range map[time.Duration]time.Duration{0: Budget, 3 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			start, calls := time.Now(), 0
			err := Do(t.Context(), Outage{For: budget}, failing(1<<30, &calls))
			took := time.Since(start)
			if !errors.Is(err, errAway) || took > want || took < want-4*time.Second || calls < 3 {
				t.Errorf("after %v and %d calls: %v", took, calls, err)
			}
		})
	}
}

func TestPermanentErrorsAreNotRetried(t *testing.T) {
	calls := 0
	o := Outage{Passes: func(err error) bool { return !errors.Is(err, errAway) }, Began: func(error) { t.Error("reported as an outage") }}
	if err := Do(t.Context(), o, failing(3, &calls)); !errors.Is(err, errAway) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

func TestCancellationEndsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("a cause")) })
		calls := 0
		n, err := Get(ctx, Outage{}, func() (int, error) { calls++; return 7, errAway })
		if n != 7 || !errors.Is(err, context.Canceled) || !errors.Is(err, errAway) || calls < 2 {
			t.Errorf("%d, error %v after %d calls", n, err, calls)
		}
	})
}

func TestPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, c := range []struct {
			pause, took time.Duration
			err         error
		}{{-time.Second, 0, nil}, {0, 0, nil}, {time.Second, time.Second, nil}, {time.Hour, 59 * time.Second, context.DeadlineExceeded}, {time.Hour, 0, context.DeadlineExceeded}} {
			start := time.Now()
			if err := Pause(ctx, c.pause); !errors.Is(err, c.err) || time.Since(start) != c.took {
				t.Errorf("a pause of %v took %v: %v", c.pause, time.Since(start), err)
			}
		}
	})
}
