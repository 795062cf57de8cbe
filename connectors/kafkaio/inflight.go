package kafkaio

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/schemas"
)

// pendingFrame is a frame that waits for the server's answer.
type pendingFrame struct {
	origin  string
	missed  schemas.Missed
	due     time.Time // when it is settled without an answer; zero: never
	hedged  bool      // … by the full model on the device, which has no time limit
	meter   int       // its number in the measurements of the link
	queued  bool      // not sent yet
	settled bool

	since     time.Time // when it was added
	kept      bool      // the server's broker acknowledged it,
	partition int32     // … at this partition and offset of the misses topic
	offset    int64
	looked    time.Duration // how long it had waited when its record was last read back; 0: it was not
}

// inFlight holds the frames of one job that wait for the server. It knows nothing of Kafka. Its methods may be called
// concurrently.
type inFlight struct {
	device string
	limit  time.Duration   // how long a frame waits; 0: without limit
	chosen *offload.Device // measures the link; nil: not measured
	news   chan struct{}   // signalled when there are answers to take
	work   chan struct{}   // … and when there are frames to send

	mu      sync.Mutex
	pending map[string]*pendingFrame // by origin
	queue   []*pendingFrame          // to be sent, oldest first; may contain settled frames
	waiting []*pendingFrame          // those with a due time, soonest first; may contain settled frames
	answers []schemas.Answer
	expired map[string]schemas.Outcome // rows settled without an answer: a late answer still updates the stream
	oldest  []string                   // origins in expired, oldest first
	stale   int                        // settled frames in queue
	counts  UplinkCounts
	waits   Waits
}

// UplinkCounts counts what a device has sent to its server and received.
type UplinkCounts struct {
	Asked      int64 `json:"asked"`      // frames handed to the uplink
	Answered   int64 `json:"answered"`   // … that the server answered
	Expired    int64 `json:"expired"`    // frames that did not get an answer in time
	Hedged     int64 `json:"hedged"`     // frames given to the full model on the device as well, since the answer took long
	Late       int64 `json:"late"`       // answers to expired frames
	Refused    int64 `json:"refused"`    // frames that the server's topic refuses, such as too large ones
	Unexpected int64 `json:"unexpected"` // answers that no frame waits for: duplicates, or from before a restart
	Pending    int64 `json:"pending"`    // frames that wait for an answer
	BytesUp    int64 `json:"bytes_up"`   // records sent, repeated ones included
	BytesDown  int64 `json:"bytes_down"` // records received

	Sent    int64   `json:"sent"`         // frames that the server's broker acknowledged, repeated ones included
	Resent  int64   `json:"resent"`       // frames sent again because the server's topics had lost them or their answers
	Outages int64   `json:"outages"`      // times that the server did not respond
	Down    float64 `json:"down_seconds"` // … and their total duration
	Wait    Waits   `json:"-"`            // from a frame's decision to its answer
	WaitP50 float64 `json:"wait_p50_ms"`
	WaitP99 float64 `json:"wait_p99_ms"`
}

// mostExpired bounds the rows that are kept for late answers.
const mostExpired = 10_000

func newInFlight(device string, limit time.Duration) *inFlight {
	return &inFlight{device: device, limit: limit, news: make(chan struct{}, 1), work: make(chan struct{}, 1), pending: map[string]*pendingFrame{}, expired: map[string]schemas.Outcome{}}
}

// add queues frames for sending.
func (a *inFlight) add(now time.Time, frames []schemas.Missed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range frames {
		k := &pendingFrame{origin: schemas.OriginOf(a.device, &frames[i].Frame).String(), missed: frames[i], queued: true, since: now}
		if a.pending[k.origin] != nil {
			continue // a runner repeated a bundle: the frame must not be settled twice
		}
		a.counts.Asked++
		a.wait(k, now)
		k.meter = a.chosen.Send(now, int(frames[i].Frame.Size()+recordOverhead))
		a.pending[k.origin] = k
		a.queue = append(a.queue, k)
	}
	signal(a.work)
}

// wait sets when a frame is settled without an answer.
func (a *inFlight) wait(k *pendingFrame, now time.Time) {
	limit := a.limit
	if p := k.missed.Patience; p > 0 && (limit == 0 || p < limit) {
		limit, k.hedged = p, true
	}
	if limit == 0 {
		return
	}
	k.due = now.Add(limit)
	at := len(a.waiting)
	for at > 0 && a.waiting[at-1].due.After(k.due) {
		at--
	}
	a.waiting = slices.Insert(a.waiting, at, k)
}

// next takes frames to send: about that many bytes, at least one frame. It waits for the first; none means that ctx ended.
func (a *inFlight) next(ctx context.Context, bytes int64) []*pendingFrame {
	for {
		if batch := a.unsent(bytes); len(batch) > 0 {
			return batch
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.work:
		}
	}
}

func (a *inFlight) unsent(bytes int64) (batch []*pendingFrame) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) > 0 {
		k := a.queue[0]
		size := k.missed.Frame.Size() + recordOverhead
		if len(batch) > 0 && size > bytes {
			break
		}
		a.queue[0], a.queue = nil, a.queue[1:]
		if k.queued = false; k.settled {
			a.stale--
		} else {
			batch, bytes = append(batch, k), bytes-size
		}
	}
	if len(a.queue) > 0 {
		signal(a.work) // for another lane
	}
	return batch
}

// live returns those of a batch that still wait, with their records. The records are made under the lock: an answer that
// arrives during the send clears the frame.
func (a *inFlight) live(batch []*pendingFrame) (left []*pendingFrame, records []kafka.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range batch {
		if !k.settled {
			left, records = append(left, k), append(records, missMessage(k.origin, &k.missed.Frame))
		} else {
			a.chosen.Forget(k.meter)
		}
	}
	return left, records
}

// again queues every waiting frame once more: the server's topics have lost records.
func (a *inFlight) again() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, k := range a.pending {
		if !k.queued {
			a.requeue(k)
			n++
		}
	}
	return n
}

// answer settles a frame with the server's answer, or keeps a late answer for the stream.
func (a *inFlight) answer(origin string, full schemas.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.pending[origin]
	if k != nil {
		a.counts.Answered++
		a.waits.add(time.Since(k.since))
		a.chosen.Answer(time.Now(), k.meter)
		a.settle(k, full, nil)
		return
	}
	row, late := a.expired[origin]
	if !late {
		a.counts.Unexpected++
		return
	}
	delete(a.expired, origin)
	a.counts.Late++
	a.answers = append(a.answers, schemas.Answer{Row: row, Full: full, Late: true})
	signal(a.news)
}

// refuse settles a frame that cannot be sent.
func (a *inFlight) refuse(k *pendingFrame, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !k.settled {
		a.counts.Refused++
		a.chosen.Forget(k.meter)
		a.settle(k, unanswered(why), k.here())
	}
}

// here returns the frame if the full model on the device may answer it, otherwise nil.
func (k *pendingFrame) here() *schemas.Frame {
	if k.missed.Patience > 0 {
		return &k.missed.Frame
	}
	return nil
}

// settle moves a frame from pending to answers. here is the frame if the full model on the device is to answer it. It
// expects that a is locked.
func (a *inFlight) settle(k *pendingFrame, full schemas.Outcome, here *schemas.Frame) {
	delete(a.pending, k.origin)
	answer := schemas.Answer{Row: k.missed.Outcome, Full: full}
	if here != nil {
		answer.Frame = *here
	}
	a.answers = append(a.answers, answer)
	k.settled, k.missed = true, schemas.Missed{} // its bytes: a queue may still hold it
	if k.queued {                                // it is not going to be sent
		a.chosen.Forget(k.meter)
		a.stale++
		a.compact()
	}
	signal(a.news)
}

// expire settles the frames whose time is up.
func (a *inFlight) expire(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.waiting) > 0 && (a.waiting[0].settled || !now.Before(a.waiting[0].due)) {
		k := a.waiting[0]
		a.waiting[0], a.waiting = nil, a.waiting[1:]
		if k.settled {
			continue
		}
		if a.chosen.Release(now, k.meter); k.hedged {
			a.counts.Hedged++
			a.settle(k, unanswered("the full model on the device answers"), &k.missed.Frame)
			continue
		}
		a.remember(k.origin, k.missed.Outcome)
		a.counts.Expired++
		a.settle(k, unanswered("the server did not answer within "+a.limit.String()), nil)
	}
}

// remember keeps the row of a frame that expired, for a late answer.
func (a *inFlight) remember(origin string, row schemas.Outcome) {
	if len(a.oldest) >= mostExpired {
		delete(a.expired, a.oldest[0])
		a.oldest = a.oldest[1:]
	}
	a.expired[origin], a.oldest = row, append(a.oldest, origin)
}

// unanswered is the outcome of a frame that the server did not answer.
func unanswered(why string) schemas.Outcome {
	return schemas.Outcome{Outcome: schemas.Error, Stage: schemas.StageFull, Error: why}
}

// ready returns the number of answers to take, expired frames included.
func (a *inFlight) ready(now time.Time) int {
	a.expire(now)
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.answers)
}

// take returns the first n answers.
func (a *inFlight) take(n int) []schemas.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.answers[:n:n]
	if a.answers = a.answers[n:]; len(a.answers) == 0 {
		a.answers = nil
	}
	return taken
}

// moved counts the bytes of records.
func (a *inFlight) moved(up, down int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.BytesUp += up
	a.counts.BytesDown += down
}

func (a *inFlight) count() UplinkCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.counts
	c.Pending, c.Wait = int64(len(a.pending)), a.waits
	c.quantiles()
	return c
}

// signal wakes whoever waits on c, which has room for one signal.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
