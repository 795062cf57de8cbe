package transforms

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
)

// FullNet answers misses: from the pixels of so many frames it makes the logits of each, one after the other, and says
// how long it took. Its calls may be concurrent.
type FullNet func(pixels []byte, frames int) ([]float32, time.Duration, error)

const fullNetPart = "transforms.FullNet"

// AnswerMissesWith makes the misses of the job that are answered in this process go to another net than the pack's full
// model. Call it before the job starts.
func AnswerMissesWith(job *session.Session, net FullNet) error {
	_, err := session.Part(job, fullNetPart, func() (FullNet, error) { return net, nil })
	return err
}

// fullNet is what answers the job's misses.
func (n *nets) fullNet(job *session.Session) FullNet {
	if net, ok := session.Get[FullNet](job, fullNetPart); ok {
		return net
	}
	return func(pixels []byte, frames int) ([]float32, time.Duration, error) {
		return n.sessions.Run(models.FullNet, n.pack.Full, pixels, frames)
	}
}

// errAway says that the full model did not answer in time.
var errAway = errors.New("the full model is away")

// asker asks a net and waits for it no longer than limit. While a call that was given up is still going on, the net counts as away
// and is not called again: frames neither wait nor pile up, and the call's end is the sign that it is back.
type asker struct {
	net     FullNet
	limit   time.Duration                     // 0: as long as it takes
	told    func(place int, logits []float32) // hears what the net said of a frame of a batch; nil: nobody does
	missing atomic.Int64                      // calls that were given up and have not returned
}

type reply struct {
	logits []float32
	took   time.Duration
	err    error
}

// ask returns what the net says of the pixels, which the caller must not change afterwards.
func (a *asker) ask(pixels []byte, frames int) ([]float32, time.Duration, error) {
	if a.limit <= 0 {
		return a.net(pixels, frames)
	}
	if a.missing.Load() > 0 {
		return nil, 0, fmt.Errorf("%w: it has not answered an earlier call", errAway)
	}
	done := make(chan reply, 1)
	var settled atomic.Bool // by whoever is first
	go func() {
		var r reply
		r.logits, r.took, r.err = a.net(pixels, frames)
		if !settled.CompareAndSwap(false, true) {
			if a.missing.Add(-1) == 0 {
				slog.Warn("the full model responds again")
			}
			return
		}
		done <- r
	}()
	timer := time.NewTimer(a.limit)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.logits, r.took, r.err
	case <-timer.C:
	}
	if a.missing.Add(1) == 1 {
		slog.Warn("the full model does not respond: provisional answers stand until it does", "waited", a.limit)
	}
	if !settled.CompareAndSwap(false, true) { // it answered just now
		a.missing.Add(-1)
		r := <-done
		return r.logits, r.took, r.err
	}
	return nil, 0, fmt.Errorf("%w: no answer within %v", errAway, a.limit)
}
