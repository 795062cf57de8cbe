package pipelines

import (
	"sync"
	"time"
)

// lateBundles is how long the end of a worker's control stream waits for its bundles.
const lateBundles = 10 * time.Second

// atWork are the bundles of a worker in this process whose response it has not sent. Beam's worker (2.77, harness.go,
// MainWithOptions) closes its channel of responses when its control stream ends, and a bundle that ends at that moment still sends
// to it: the process panics. That is when a job was lost, or ended before its last bundle did. So the end of the stream is told only
// when every bundle has sent its response, which goes nowhere then.
type atWork struct {
	mu   sync.Mutex
	open map[string]bool // by instruction
	none chan struct{}   // closed when open is empty; nil: nobody waits for that
}

func (w *atWork) begin(instruction string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[string]bool{}
	}
	w.open[instruction] = true
}

// end tells that the response of an instruction was sent; those that are no bundles may be told too.
func (w *atWork) end(instruction string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, instruction)
	if len(w.open) == 0 && w.none != nil {
		close(w.none)
		w.none = nil
	}
}

// wait returns when no bundle is at work, at the latest after a time. It is called once.
func (w *atWork) wait(longest time.Duration) {
	none := make(chan struct{})
	w.mu.Lock()
	if len(w.open) == 0 {
		w.mu.Unlock()
		return
	}
	w.none = none
	w.mu.Unlock()
	select {
	case <-none:
	case <-time.After(longest):
	}
}
