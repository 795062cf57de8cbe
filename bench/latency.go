package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/bench/recording"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/schemas"
)

// latencyResult is how long frames wait for their answers while they arrive at a steady rate.
type latencyResult struct {
	Rate      float64 `json:"rate"`                 // frames/s of all streams together
	Capacity  float64 `json:"capacity"`             // frames/s that are answered when they arrive in the same way, without a pause; 0: not measured
	Frames    int     `json:"frames"`               // measured in each round
	HitP50    spread  `json:"hit_p50"`              // ms from record time to the outcomes topic
	HitP99    spread  `json:"hit_p99"`              // ms
	MissP50   spread  `json:"miss_p50"`             // ms
	MissP99   spread  `json:"miss_p99"`             // ms
	AtOnceP50 spread  `json:"at_once_p50,omitzero"` // of hits, ms, where all streams show other classes at the same moment; zero: not measured
	AtOnceP99 spread  `json:"at_once_p99,omitzero"`
	FirstRowS spread  `json:"first_row"` // s from the start of run to the first outcome, frames waiting
	CPUUs     spread  `json:"cpu_us"`    // processor time a frame at that rate, start included
	BrokerUs  spread  `json:"broker_us"` // of the broker, which shares the machine
	BenchUs   spread  `json:"bench_us"`  // of producer and reader, which do too
	RSSMB     spread  `json:"rss_mb"`    // at most
}

const (
	settle  = 3 * time.Second  // frames that are not counted, while caches fill
	steady  = 10 * time.Second // frames that are
	patient = 60 * time.Second // for the last outcome
)

// latencyTakes is about how long measuring five rounds of latency takes, which begin after the last round of the rest.
const latencyTakes = 3 * time.Minute

// waits is what one round found, in ms.
type waits struct {
	hit, miss []float64
	first     time.Duration
	took      time.Duration // from the first frame sent while it ran to the last outcome
	used      usage
	broker    time.Duration // processor time of the broker
	bench     time.Duration // of producer and reader
	sent      int
	waited    int // of them before it began
}

// latencies measures rounds at a rate, those of several orders in turn; apart has to be one of them.
func (w *workload) latencies(ctx context.Context, rate float64, rounds int, orders ...order) (*latencyResult, error) {
	found := map[order][]waits{}
	for round := range rounds {
		for _, o := range orders {
			n, err := w.latencyRound(ctx, rate, fmt.Sprintf("live-%.0f-%s-%d", rate, o, round), o)
			if err != nil {
				return nil, err
			}
			found[o] = append(found[o], n)
			w.say("latency %d at %.0f frames/s, changes %s: hit p50 %.1f ms, p99 %.1f ms; miss p99 %.1f ms; first row after %.2f s",
				round+1, rate, o, quantile(n.hit, 0.5), quantile(n.hit, 0.99), quantile(n.miss, 0.99), n.first.Seconds())
		}
	}
	r := summary(rate, found[apart])
	if atOnce := found[together]; atOnce != nil {
		s := summary(rate, atOnce)
		r.AtOnceP50, r.AtOnceP99 = s.HitP50, s.HitP99
	}
	return r, nil
}

// latencyRound measures one round at a rate; topic must be new.
func (w *workload) latencyRound(ctx context.Context, rate float64, topic string, o order) (waits, error) {
	n, err := w.live(ctx, rate, topic, o)
	if err != nil {
		return n, fmt.Errorf("latency: %w", err)
	}
	if len(n.hit) == 0 {
		return n, fmt.Errorf("latency: %d frames of %d streams are not enough for %s at %.0f frames/s: use more frames", w.long, w.Streams, settle, rate)
	}
	return n, nil
}

// each is a processor time a frame, in µs.
func (n *waits) each(of time.Duration) float64 { return float64(of.Microseconds()) / float64(n.sent) }

// summary is what rounds at one rate gave.
func summary(rate float64, rounds []waits) *latencyResult {
	of := func(value func(*waits) float64) spread {
		var values []float64
		for i := range rounds {
			values = append(values, value(&rounds[i]))
		}
		return spreadOf(values)
	}
	return &latencyResult{
		Rate: rate, Frames: int(rate * steady.Seconds()),
		HitP50:    of(func(n *waits) float64 { return quantile(n.hit, 0.5) }),
		HitP99:    of(func(n *waits) float64 { return quantile(n.hit, 0.99) }),
		MissP50:   of(func(n *waits) float64 { return quantile(n.miss, 0.5) }),
		MissP99:   of(func(n *waits) float64 { return quantile(n.miss, 0.99) }),
		FirstRowS: of(func(n *waits) float64 { return n.first.Seconds() }),
		CPUUs:     of(func(n *waits) float64 { return n.each(n.used.CPU) }),
		BrokerUs:  of(func(n *waits) float64 { return n.each(n.broker) }),
		BenchUs:   of(func(n *waits) float64 { return n.each(n.bench) }),
		RSSMB:     of(func(n *waits) float64 { return float64(n.used.RSS) / 1e6 }),
	}
}

// capacity is how many frames/s are answered when the producer never pauses: frames of all streams in turn, with producer,
// broker and reader on the same cores.
func (w *workload) capacity(ctx context.Context) (float64, error) {
	n, err := w.live(ctx, 0, "live-capacity", apart)
	if err != nil {
		return 0, err
	}
	rate := float64(n.sent-n.waited) / n.took.Seconds()
	w.say("capacity, frames in turn: %.0f frames/s", rate)
	return rate, nil
}

// latencyAtHalf measures rounds at half of the capacity.
func (w *workload) latencyAtHalf(ctx context.Context, rounds int) (*latencyResult, error) {
	capacity, err := w.capacity(ctx)
	if err != nil {
		return nil, fmt.Errorf("capacity: %w", err)
	}
	r, err := w.latencies(ctx, capacity/2, rounds, apart, together)
	if r != nil {
		r.Capacity = capacity
	}
	return r, err
}

// live publishes at a rate (0: without a pause) while cachenet run answers, and reads the outcomes as they come.
func (w *workload) live(ctx context.Context, rate float64, topic string, o order) (n waits, err error) {
	cluster := kafkaio.Cluster{Brokers: []string{w.brokers}}
	outcomes := topic + "-outcomes"
	for _, t := range []string{topic, outcomes} {
		if _, err := kafkaio.EnsureTopic(ctx, cluster, t, w.Partitions); err != nil {
			return n, err
		}
	}
	rec, err := recording.Open(w.recording)
	if err != nil {
		return n, err
	}
	defer rec.Close()
	frames := inTurn(rec, o)
	waiting := min(w.Streams, len(frames))
	if err := publishAt(ctx, cluster, topic, rec, frames[:waiting], 0, time.Now()); err != nil {
		return n, err
	}
	out, err := os.MkdirTemp(w.dir, "live-")
	if err != nil {
		return n, err
	}
	p, err := start(ctx, onCores(w.cores, []string{w.Cachenet, "run", "--brokers", w.brokers, "--topic", topic, "--group", filepath.Base(out),
		"--pack", w.Pack, "--out", out, "--outcomes-topic", outcomes}), nil, w.Limit)
	if err != nil {
		return n, err
	}
	n.sent, n.waited = len(frames), waiting
	if rate > 0 {
		n.sent = waiting + min(len(frames)-waiting, int(rate*(settle+steady).Seconds()))
	}
	broker, own := procOf(w.broker.Process.Pid), procOf(os.Getpid())
	brokerBefore, before := cpuTime(broker), cpuTime(own)
	err = w.follow(ctx, cluster, topic, outcomes, rec, frames[waiting:n.sent], rate, p.began, &n)
	n.broker, n.bench = cpuTime(broker)-brokerBefore, cpuTime(own)-before
	if drained := p.drain(); drained != nil {
		err = errors.Join(err, drained)
	}
	var ended error
	n.used, ended = p.wait()
	return n, errors.Join(err, ended, w.remove(ctx, topic, outcomes))
}

// remove deletes topics, so that the broker, which keeps all in memory, is no larger in the last round than in the first: memory
// that it has to get from the system costs it a quarter of its processor time, and more the less of it is free.
func (w *workload) remove(ctx context.Context, topics ...string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers))
	if err != nil {
		return err
	}
	defer client.Close()
	req := kmsg.NewPtrDeleteTopicsRequest()
	for _, topic := range topics {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &topic
		req.Topics, req.TopicNames = append(req.Topics, t), append(req.TopicNames, topic)
	}
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range res.Topics {
		err = errors.Join(err, kerr.ErrorForCode(t.ErrorCode))
	}
	return err
}

// order says when streams show other classes: each at its own moment, as cameras do that have nothing to do with each other, or all
// with the same frame, as in the recording, so that their misses come at once.
type order string

const (
	apart    order = "apart"
	together order = "together"
)

// inTurn lists the frames as cameras would send them: one of each stream in turn. To be apart, each stream begins a little later in
// its recording than the one before, and its first frames follow at the end.
func inTurn(rec *recording.Recording, o order) []recording.Frame {
	byStream := make([][]recording.Frame, rec.Streams)
	for f := range rec.All(rec.Frames) {
		byStream[f.Stream] = append(byStream[f.Stream], f)
	}
	all := make([]recording.Frame, 0, rec.Streams*rec.Frames)
	for i := range rec.Frames {
		for stream, frames := range byStream {
			from := 0
			if o == apart {
				from = stream * rec.Dwell / rec.Streams
			}
			f := frames[(from+i)%len(frames)]
			f.Sequence = i
			all = append(all, f)
		}
	}
	return all
}

// follow waits for the outcomes of the frames that are there, publishes more at the rate and measures the outcomes of those after the settling.
func (w *workload) follow(ctx context.Context, cluster kafkaio.Cluster, topic, outcomes string, rec *recording.Recording, frames []recording.Frame, rate float64, began time.Time, n *waits) error {
	ctx, cancel := context.WithTimeout(ctx, settle+steady+patient)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers), kgo.ConsumeTopics(outcomes), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(20*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	waiting := min(w.Streams, w.frames(topicLong))
	var g errgroup.Group
	var from time.Time
	defer func() {
		if !from.IsZero() {
			n.took = time.Since(from.Add(-settle))
		}
	}()
	for left := waiting + len(frames); left > 0; {
		fetched := client.PollFetches(ctx)
		now := time.Now()
		if err := fetched.Err(); err != nil {
			return errors.Join(fmt.Errorf("%d outcomes did not arrive: %w", left, err), g.Wait())
		}
		if n.first == 0 {
			n.first = now.Sub(began)
		}
		for record := range fetched.RecordsAll() {
			left--
			if err := n.add(record.Value, now, from); err != nil {
				return errors.Join(err, g.Wait())
			}
		}
		if from.IsZero() && left <= len(frames) { // those that waited are answered
			from = now.Add(settle)
			g.Go(func() error { return publishAt(ctx, cluster, topic, rec, frames, rate, now) })
		}
	}
	return g.Wait()
}

// add counts an outcome that came now, unless its frame was sent before the measurement began.
func (n *waits) add(b []byte, now, from time.Time) error {
	var o struct { // not the whole row, since this shares the cores with what is measured
		Outcome   string    `json:"outcome"`
		EventTime time.Time `json:"event_time"`
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return fmt.Errorf("read an outcome: %w", err)
	}
	if from.IsZero() || o.EventTime.Before(from) {
		return nil
	}
	ms := float64(now.Sub(o.EventTime).Microseconds()) / 1000
	if o.Outcome == schemas.Hit {
		n.hit = append(n.hit, ms)
	} else {
		n.miss = append(n.miss, ms)
	}
	return nil
}

// linger is how long a producer gathers frames, as Kafka's own does since version 4.
const linger = 5 * time.Millisecond

// publishAt sends frames at a rate, each with the time at which it is due as its record time: neither a producer that falls behind
// nor its lingering hides it. Rate 0 sends them at once.
func publishAt(ctx context.Context, cluster kafkaio.Cluster, topic string, rec *recording.Recording, frames []recording.Frame, rate float64, began time.Time) (err error) {
	const workers = 2 // a worker waits for the broker's answer while the other sends
	var g errgroup.Group
	for worker := range workers {
		g.Go(func() (err error) {
			producer, err := kafkaio.NewProducer(cluster, topic, "/cachenet/bench")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, producer.Close()) }()
			var batch []schemas.Frame
			for i, f := range frames {
				if f.Stream%workers != worker {
					continue
				}
				due := began
				if rate > 0 {
					due = began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
				}
				if len(batch) == 1024 || len(batch) > 0 && time.Until(due) > 0 {
					sent := time.Now()
					if err := producer.Publish(ctx, batch); err != nil {
						return err
					}
					batch = batch[:0]
					if rate > 0 {
						if err := retry.Pause(ctx, max(time.Until(due), linger-time.Since(sent))); err != nil {
							return err
						}
					}
				}
				if err := retry.Pause(ctx, time.Until(due)); err != nil {
					return err
				}
				batch = append(batch, schemas.Frame{Stream: streamName(f.Stream), Sequence: int64(f.Sequence), ContentType: schemas.JPEG, Truth: rec.Classes[f.Class], EventTime: due, Image: f.Image})
			}
			return producer.Publish(ctx, batch)
		})
	}
	return g.Wait()
}

// quantile returns the value below which a share q of values lies; 0 when there are none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return v[min(len(v)-1, int(q*float64(len(v))))]
}
