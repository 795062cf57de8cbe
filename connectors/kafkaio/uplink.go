package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/offload"
)

// UplinkConfig describes the server that answers a device's misses. Missing topics of the server are created.
type UplinkConfig struct {
	Cluster Cluster       // of the server
	Misses  string        // topic for the frames; all devices share it
	Answers string        // topic for the answers, see [AnswersTopic]; each device has its own, so that its link carries no others
	Device  string        // see schemas.CheckDevice
	Timeout time.Duration // how long a frame waits before it is settled without an answer; 0: without limit
	Drain   time.Duration // how long to wait for answers once the job drains
	Link    *link.Link    // emulated link for the connections to the server, for tests and benchmarks; nil: none
}

// AnswersTopic returns the topic of the answers for a device; servers and devices use the same base.
func AnswersTopic(base, device string) string { return base + "-" + device }

const uplinkPart = "kafkaio.uplink"

const (
	// With a single lane a frame would wait for the request before it: up to one round trip.
	lanes     = 8
	laneBytes = 256 << 10 // of a request, about; a larger frame has its own
)

// uplink sends the misses of one job and receives the answers, for as long as the job runs. It waits for a server that does
// not respond without a time limit.
type uplink struct {
	*inFlight
	cfg    UplinkConfig
	client *client
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu         sync.Mutex
	partitions []int32       // of the misses topic
	cut        time.Time     // since when the server has not responded; zero: it responds
	outages    int64         // so far
	down       time.Duration // in those that have ended
	restored   bool          // it responds again; whether it still holds the acknowledged frames is not checked yet
	checked    time.Time     // when that was last checked
}

// OpenUplink opens the job's uplink, which is closed with the session. Call it before the job starts. It makes no request
// itself.
func OpenUplink(job *session.Session, cfg UplinkConfig) error {
	_, err := session.Part(job, uplinkPart, func() (*uplink, error) {
		client, err := cfg.Cluster.connect(cfg.Misses, cfg.Answers)
		if err != nil {
			return nil, err
		}
		if cfg.Link != nil {
			client.over(cfg.Link)
		}
		ctx, cancel := context.WithCancel(context.Background())
		u := &uplink{inFlight: newInFlight(cfg.Device, cfg.Timeout), cfg: cfg, client: client, cancel: cancel, checked: time.Now()}
		u.chosen, _ = session.Get[*offload.Device](job, offload.Part)
		u.ended.Go(func() { u.run(ctx) })
		return u, nil
	})
	return err
}

// Uplink returns the counts of the job's uplink; false if it has none.
func Uplink(job *session.Session) (UplinkCounts, bool) {
	u, ok := session.Get[*uplink](job, uplinkPart)
	if !ok {
		return UplinkCounts{}, false
	}
	return u.tally(), true
}

func (u *uplink) tally() UplinkCounts {
	c := u.count()
	u.mu.Lock()
	defer u.mu.Unlock()
	down := u.down
	if !u.cut.IsZero() {
		down += time.Since(u.cut)
	}
	c.Outages, c.Down = u.outages, down.Seconds()
	return c
}

// Close stops sending and receiving.
func (u *uplink) Close() error {
	u.cancel()
	u.client.close() // wakes a request that waits
	u.ended.Wait()
	u.client.close()
	return nil
}

// run prepares the topics, then sends and receives. It reads answers from the end of their topic as it was before the first
// send: earlier answers belong to earlier jobs, and this job sends the frames without a row again.
func (u *uplink) run(ctx context.Context) {
	end, err := persist(ctx, u, u.prepare)
	if err != nil {
		return
	}
	for lane := range lanes {
		u.ended.Go(func() { u.send(ctx, lane) })
	}
	if u.chosen.Measures() {
		u.ended.Go(func() { u.probe(ctx) })
	}
	u.receive(ctx, end)
}

// prepare creates missing topics and returns the end offset of the answers.
func (u *uplink) prepare(ctx context.Context) (int64, error) {
	if err := EnsureMissesTopic(ctx, u.cfg.Cluster, u.cfg.Misses); err != nil {
		return 0, err
	}
	if _, err := EnsureTopic(ctx, u.cfg.Cluster, u.cfg.Answers, 1); err != nil {
		return 0, err
	}
	partitions, err := u.client.partitions(ctx, u.cfg.Cluster, u.cfg.Misses)
	if err != nil {
		return 0, err
	}
	u.mu.Lock()
	u.partitions = partitions
	u.mu.Unlock()
	ends, err := u.client.bounds(ctx, u.cfg.Answers, []int32{0})
	if err != nil {
		return 0, err
	}
	return ends[0].End, nil
}

// persist retries until it succeeds or ctx ends. An outage is logged once, whichever goroutine meets it first.
func persist[T any](ctx context.Context, u *uplink, try func(context.Context) (T, error)) (T, error) {
	return retry.Get(ctx, retry.Outage{For: math.MaxInt64}, func() (T, error) {
		result, err := try(ctx)
		switch {
		case err == nil:
			u.works()
		case ctx.Err() == nil:
			u.fails(err)
			u.client.close() // as in fetcher.try
		}
		return result, err
	})
}

func (u *uplink) fails(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cut.IsZero() {
		u.cut = time.Now()
		u.outages++
		slog.Warn("the server does not respond: misses wait for it, hits continue while there is credit", "topic", u.cfg.Misses, "error", err)
	}
}

func (u *uplink) works() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.cut.IsZero() {
		slog.Warn("the server responds again", "topic", u.cfg.Misses, "after", time.Since(u.cut).Round(time.Millisecond))
		u.down += time.Since(u.cut)
		u.cut, u.restored = time.Time{}, true
	}
}

// recreate creates the topics again after a request that found one missing. It returns the request's error in any case.
func (u *uplink) recreate(ctx context.Context, err error) error {
	if !missing(err) {
		return err
	}
	_, failed := u.prepare(ctx)
	return errors.Join(err, failed)
}

// places returns the partitions of the misses topic.
func (u *uplink) places() []int32 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.partitions
}

// send is one lane: one request at a time. Frames of a stream may overtake each other; the server's answers do not depend on
// their order.
func (u *uplink) send(ctx context.Context, lane int) {
	for turn := lane; ; turn++ {
		batch := u.next(ctx, laneBytes)
		if len(batch) == 0 {
			return
		}
		if u.deliver(ctx, turn, batch) != nil {
			return // ctx ended
		}
	}
}

// deliver sends a batch, with retries until ctx ends. A batch that is refused for its content is divided.
func (u *uplink) deliver(ctx context.Context, turn int, batch []*pendingFrame) error {
	refusal, err := persist(ctx, u, func(ctx context.Context) (refusal string, err error) {
		var records []kafka.Message
		if batch, records = u.live(batch); len(batch) == 0 {
			return "", nil
		}
		places := u.places()
		err = u.recreate(ctx, u.produce(ctx, places[turn%len(places)], batch, records))
		if refusal = u.refusal(err); refusal != "" {
			err = nil
		}
		return refusal, err
	})
	switch {
	case err != nil || refusal == "":
		return err
	case len(batch) == 1:
		u.refuse(batch[0], refusal)
		return nil
	}
	half := len(batch) / 2
	return errors.Join(u.deliver(ctx, turn, batch[:half]), u.deliver(ctx, turn, batch[half:]))
}

// refusal says why the server's topic will never take a frame; empty if err may pass.
func (u *uplink) refusal(err error) string {
	switch {
	case isTooLarge(err):
		return fmt.Sprintf("the frame exceeds the record size limit of the server's topic %s: raise its max.message.bytes", u.cfg.Misses)
	case errors.Is(err, kafka.InvalidTimestamp):
		return fmt.Sprintf("the server's topic %s refuses the frame's time: correct the clock of its producer, or raise the topic's message.timestamp.before.max.ms and …after.max.ms", u.cfg.Misses)
	case errors.Is(err, kafka.InvalidRecord):
		return fmt.Sprintf("the server's topic %s refuses the frame's record: check the topic's settings", u.cfg.Misses)
	}
	return ""
}

// produce is one request.
func (u *uplink) produce(ctx context.Context, partition int32, batch []*pendingFrame, messages []kafka.Message) error {
	bytes := int64(0)
	for i := range messages {
		bytes += sizeOf(&messages[i])
	}
	first, err := u.client.produce(ctx, u.cfg.Misses, partition, recordsOf(messages))
	if err != nil {
		return fmt.Errorf("kafka: send %d frames to the server's topic %s: %w", len(batch), u.cfg.Misses, err)
	}
	u.acknowledged(batch)
	u.moved(bytes, 0)
	u.kept(batch, partition, first)
	return nil
}

// receive reads answers from an offset on, until ctx ends.
func (u *uplink) receive(ctx context.Context, from int64) {
	for {
		b, err := persist(ctx, u, func(ctx context.Context) (batch, error) { return u.fetch(ctx, from) })
		if err != nil {
			return
		}
		for _, r := range b.records {
			u.accept(r)
		}
		if u.recheck(ctx) != nil {
			return
		}
		from = b.next
	}
}

// fetch is one request. If the topic no longer holds the offset, answers are lost: all waiting frames are sent again.
func (u *uplink) fetch(ctx context.Context, from int64) (batch, error) {
	res, err := u.client.fetchCommitted(ctx, u.cfg.Answers, position{0, from, defaultFetchBytes})
	if err == nil {
		return readBatch(res, filter{from: from, to: Unbounded, limit: defaultFetchBytes})
	}
	if !errors.Is(err, kafka.OffsetOutOfRange) && !missing(err) {
		return batch{}, fmt.Errorf("kafka: read the server's answers in %s: %w", u.cfg.Answers, err)
	}
	if _, err := u.prepare(ctx); err != nil {
		return batch{}, err
	}
	bounds, err := u.client.bounds(ctx, u.cfg.Answers, []int32{0})
	if err != nil {
		return batch{}, err
	}
	slog.Warn("the server's topic has lost answers: its frames are sent again", "topic", u.cfg.Answers, "offset", from, "frames", u.again())
	return batch{next: bounds[0].First}, nil
}

// missing reports whether err says that a topic does not exist.
func missing(err error) bool {
	return errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}

// accept takes one record of the answers topic.
func (u *uplink) accept(r record) {
	u.moved(0, int64(r.size+len(r.key)))
	o, err := readAnswer(r)
	if err != nil {
		slog.Warn("a record of the answers topic is not an answer and is skipped", "topic", u.cfg.Answers, "offset", r.offset, "error", err)
		return
	}
	u.answer(o.Origin, o)
}
