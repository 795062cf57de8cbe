package transforms

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A net that is away is waited for once, then no more until its call returns.
func TestANetThatIsAwayIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, away := 0, 60*time.Second
		a := &asker{limit: time.Second, net: func(_ []byte, frames int) ([]float32, time.Duration, error) {
			calls++
			time.Sleep(away)
			away = 0
			return make([]float32, frames), 0, nil
		}}
		begun := time.Now()
		for i := range 100 {
			if _, _, err := a.ask(nil, 1); !errors.Is(err, errAway) {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		synctest.Wait() // else calls is read while a call of the net may write it
		if waited := time.Since(begun); waited != time.Second || calls != 1 {
			t.Errorf("waited %v in %d calls, want 1s in one", waited, calls)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if logits, _, err := a.ask(nil, 3); err != nil || len(logits) != 3 || calls != 2 {
			t.Errorf("back again: %d logits, %v, %d calls", len(logits), err, calls)
		}
	})
}

func TestAskPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	for _, limit := range []time.Duration{0, time.Minute} {
		a := &asker{limit: limit, net: func([]byte, int) ([]float32, time.Duration, error) { return nil, 0, broken }}
		if _, _, err := a.ask(nil, 1); !errors.Is(err, broken) || errors.Is(err, errAway) {
			t.Errorf("limit %v: %v", limit, err)
		}
	}
}
