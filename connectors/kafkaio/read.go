// Package kafkaio reads frames from a Kafka topic into a Beam pipeline, writes outcomes to one, publishes
// frames, and commits what is durable. Everything goes through kafka-go (github.com/segmentio/kafka-go).
//
// A record's path: a [fetcher] for each partition fetches batches (fetch.go, batch.go; tails.go at its end), makes each
// record a frame (decode.go) and queues it (queue.go); the splittable DoFn of [Read] takes what is queued
// and emits it in runs (read.go, runs.go).
package kafkaio

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/sdf"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/rtrackers/offsetrange"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn2x0[[]byte, func(int)](&spansFn{})
	register.DoFn4x2[context.Context, *sdf.LockRTracker, int, func(beam.EventTime, string, schemas.Run),
		sdf.ProcessContinuation, error](&readFn{})
	register.Emitter1[int]()
	register.Emitter3[beam.EventTime, string, schemas.Run]()
}

// idle is how long a partition without frames rests: short against a frame's way through the pipeline, long
// against the cost of asking.
const idle = 5 * time.Millisecond

// Read reads the spans of a topic and returns a PCollection<KV<string, schemas.Run>> with the stream as key:
// each record that is not in a span's Done becomes one frame in one run, in offset order within its stream;
// a record that is no frame becomes one with a Fault. Records of aborted transactions are passed over. The
// collection ends when every span is read, or when the job's session drains. Frames between here and the
// sink are limited by the session's credit. With Answers it also emits what the job's uplink receives, as runs of answers
// of one stream, and ends when every frame that it emitted has its row.
//
// The job's runner must not split bundles of the stateful transforms behind (on prism: the experiment
// prism_disable_sdf_split).
func Read(s beam.Scope, cfg ReadConfig) beam.PCollection {
	s = s.Scope("kafkaio.Read")
	cfg = cfg.withDefaults()
	restrictions := len(cfg.Spans)
	if cfg.Answers {
		restrictions++ // the last one is of the answers
	}
	spans := beam.ParDo(s, &spansFn{Count: restrictions}, beam.Impulse(s))
	return beam.ParDo(s, &readFn{Config: cfg}, spans)
}

// spansFn emits the index of each span.
type spansFn struct {
	Count int
}

// ProcessElement takes the impulse.
func (fn *spansFn) ProcessElement(_ []byte, emit func(int)) {
	for i := range fn.Count {
		emit(i)
	}
}

// readFn is the splittable source; its element is the index of a span, its restriction offsets of it.
type readFn struct {
	Config ReadConfig

	job    *session.Session
	source *source
	silent bool // nothing was emitted in this bundle so far
}

// CreateInitialRestriction returns the whole span; that of the answers counts them.
func (fn *readFn) CreateInitialRestriction(i int) offsetrange.Restriction {
	if i == len(fn.Config.Spans) {
		return offsetrange.Restriction{End: Unbounded}
	}
	return offsetrange.Restriction{Start: fn.Config.Spans[i].From, End: fn.Config.Spans[i].To}
}

// SplitRestriction leaves a span whole, see tracker.
func (fn *readFn) SplitRestriction(_ int, r offsetrange.Restriction) []offsetrange.Restriction {
	return []offsetrange.Restriction{r}
}

// RestrictionSize returns the number of offsets.
func (fn *readFn) RestrictionSize(_ int, r offsetrange.Restriction) float64 { return r.Size() }

// CreateTracker tracks offsets.
func (fn *readFn) CreateTracker(r offsetrange.Restriction) *sdf.LockRTracker {
	return sdf.NewLockRTracker(tracker{offsetrange.NewTracker(r)})
}

// Setup finds what the job reads with.
func (fn *readFn) Setup(context.Context) error {
	job, err := session.Find(fn.Config.Job)
	if err != nil {
		return fmt.Errorf("kafka: read %s: %w", fn.Config.Topic, err)
	}
	fn.job = job
	fn.source, err = openSource(&fn.Config, job)
	return err
}

// StartBundle begins a bundle of some partitions.
func (fn *readFn) StartBundle(context.Context, func(beam.EventTime, string, schemas.Run)) {
	fn.silent = true
}

// ProcessElement emits what the partition has waiting. It never waits for more, unless Config.Stay says so: the
// partitions share a bundle, and nothing leaves before the bundle ends. It may wait for the first frame of a bundle.
func (fn *readFn) ProcessElement(_ context.Context, rt *sdf.LockRTracker, i int,
	emit func(beam.EventTime, string, schemas.Run)) (sdf.ProcessContinuation, error) {
	if i == len(fn.Config.Spans) {
		return fn.answers(rt, emit)
	}
	span, rest := fn.Config.Spans[i], rt.GetRestriction().(offsetrange.Restriction)
	if fn.job.Draining() || rest.Start >= rest.End {
		return fn.end(rt, span), nil
	}
	f, err := fn.source.fetcher(span, rest.Start)
	if err != nil {
		return nil, err
	}
	if fn.silent && fn.Config.Stay == 0 {
		fn.source.await()
	}
	for until := time.Now().Add(fn.source.stay()); ; {
		frames, more, err := fn.take(rt, f)
		if err != nil {
			return nil, err
		}
		for _, run := range group(frames, fn.source.cfg.RunLength) {
			if fn.silent {
				fn.silent = false
				fn.source.emitted.Store(time.Now().UnixNano())
			}
			emit(mtime.FromTime(f.stamp(run[0].EventTime)), run[0].Stream, fn.job.Hold(schemas.Run{Frames: run}))
		}
		switch {
		case !more: // split off behind what was taken: the rest is another element
			return sdf.StopProcessing(), nil
		case f.finished(), fn.job.Draining():
			return fn.end(rt, span), nil
		case time.Now().Before(until):
			if len(frames) == 0 {
				time.Sleep(idle)
			}
		case fn.Config.Stay == 0 || len(frames) > 0 && f.queue.waiting():
			return sdf.ResumeProcessingIn(0), nil
		default:
			return sdf.ResumeProcessingIn(idle), nil
		}
	}
}

// take claims and takes waiting frames: this partition's share of a bundle, as long as the job has room.
// more is false when the restriction ends behind the frames taken.
func (fn *readFn) take(rt *sdf.LockRTracker, f *fetcher) (frames []schemas.Frame, more bool, err error) {
	records, bytes := fn.source.cfg.share(fn.source.ready())
	for len(frames) < records && bytes > 0 {
		if fn.job.Full() {
			fn.source.waits.Store(true)
			break
		}
		frame, ok, err := f.queue.peek()
		if !ok {
			// The failure is returned after the frames before it.
			if len(frames) > 0 {
				err = nil
			}
			return frames, true, err
		}
		if !rt.TryClaim(frame.Offset) {
			return frames, false, nil
		}
		f.queue.pop()
		frames = append(frames, frame)
		bytes -= frame.Size()
		fn.job.Read(1, frame.Size()) // the sink returns what its row says
	}
	return frames, true, nil
}

// end claims the rest of the restriction and closes the partition's fetcher.
func (fn *readFn) end(rt *sdf.LockRTracker, span Span) sdf.ProcessContinuation {
	if r := rt.GetRestriction().(offsetrange.Restriction); r.Start < r.End {
		rt.TryClaim(r.End)
	}
	fn.source.done(span.Partition)
	return sdf.StopProcessing()
}
