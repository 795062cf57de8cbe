package kafkaio

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/cachenet/cachenet/connectors/broker"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"go.uber.org/goleak"
)

func init() {
	register.DoFn4x1[state.Provider, string, schemas.Run, func(int), error](&collectFn{})
}

func TestMain(m *testing.M) {
	beam.Init()
	// Between a bundle's last output and its response prism spins in a loop that never blocks; on one
	// processor such loops starve everything else.
	runtime.GOMAXPROCS(max(8, runtime.NumCPU()))
	*jobopts.Experiments = "prism_disable_sdf_split"
	os.Exit(tidily(m))
}

// tidily runs the tests with a temporary folder of their own, where prism.Execute leaves an empty file for each pipeline.
func tidily(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kafkaio-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("TMPDIR", dir)
	return m.Run()
}

// collection is what one job's sink received.
type collection struct {
	link *session.Session
	mu   sync.Mutex
	runs []schemas.Run
	hold chan struct{} // when set, the sink waits for it before it returns credit
}

var collections sync.Map // job id → *collection

// collectFn is a sink that keeps its input and reports to the session as a real sink does. It is stateful, as the
// transform after the source is, since runners promise an order there.
type collectFn struct {
	Job  string
	Seen state.Value[int64]
}

func (fn *collectFn) ProcessElement(p state.Provider, _ string, run schemas.Run, _ func(int)) error {
	v, ok := collections.Load(fn.Job)
	if !ok {
		return fmt.Errorf("no collection for job %s", fn.Job)
	}
	c := v.(*collection)
	run, err := c.link.Take(run)
	if err != nil {
		return err
	}
	seen, _, err := fn.Seen.Read(p)
	if err != nil {
		return err
	}
	if err := fn.Seen.Write(p, seen+int64(len(run.Frames))); err != nil {
		return err
	}
	c.mu.Lock()
	c.runs = append(c.runs, run)
	c.mu.Unlock()
	if c.hold != nil {
		<-c.hold
	}
	for _, f := range run.Frames {
		c.link.Written(1, f.Size())
		var o schemas.Offsets
		o.Add(f.Offset, f.Offset+1)
		c.link.SetDurable(session.Durable{Topic: f.Topic, Partition: f.Partition, Offsets: o})
	}
	return nil
}

// count returns how many frames have arrived; it is cheaper than frames.
func (c *collection) count() int {
	_, written := c.link.Counts()
	return int(written)
}

func (c *collection) frames() []schemas.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	var frames []schemas.Frame
	for _, r := range c.runs {
		frames = append(frames, r.Frames...)
	}
	return frames
}

// job is a pipeline that reads a topic into a collection, running in the background.
type job struct {
	*collection
	done chan error
}

// startJob runs Read on prism. The credit is in bytes.
func startJob(t testing.TB, cfg ReadConfig, credit int64, hold chan struct{}, watch ...func(*session.Session)) *job {
	t.Helper()
	link := session.Open("job", credit)
	cfg.Job = link.ID()
	for _, f := range watch {
		f(link)
	}
	j := &job{collection: &collection{link: link, hold: hold}, done: make(chan error, 1)}
	collections.Store(cfg.Job, j.collection)
	t.Cleanup(func() {
		collections.Delete(cfg.Job)
		if err := link.Close(); err != nil {
			t.Error(err)
		}
	})
	p, s := beam.NewPipelineWithRoot()
	none := beam.ParDo(s, &collectFn{Job: cfg.Job, Seen: state.MakeValueState[int64]("seen")}, Read(s, cfg))
	beam.Reshuffle(s, none) // prism spins on a whole core for a stage without an output
	go func() {
		_, err := prism.Execute(context.Background(), p)
		j.done <- err
	}()
	return j
}

func (j *job) wait(t testing.TB) error {
	t.Helper()
	select {
	case err := <-j.done:
		return err
	case <-time.After(60 * time.Second):
		t.Fatalf("pipeline did not end; %d frames so far", len(j.frames()))
		return nil
	}
}

func (j *job) mustEnd(t testing.TB) []schemas.Frame {
	t.Helper()
	if err := j.wait(t); err != nil {
		t.Fatalf("pipeline: %v", err)
	}
	return j.frames()
}

// eventually polls until ok, or fails the test after 20 s.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// startBroker runs a broker with the topic "frames" of the given number of partitions.
func startBroker(t testing.TB, partitions int32) (*broker.Broker, Cluster) {
	t.Helper()
	b, err := broker.Start(broker.Options{Topics: map[string]int32{"frames": partitions}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, Cluster{Brokers: []string{b.Addr()}}
}

// streamFrames returns n frames for each stream, interleaved; from is their first sequence number.
func streamFrames(streams, from, n int) []schemas.Frame {
	var frames []schemas.Frame
	for i := from; i < from+n; i++ {
		for s := range streams {
			frames = append(frames, schemas.Frame{
				Stream: fmt.Sprintf("cam-%02d", s), Sequence: int64(i), ContentType: schemas.JPEG,
				Truth: "cat", Image: fmt.Appendf(nil, "%simage %d of %d", jpegHead, i, s),
			})
		}
	}
	return frames
}

func publish(t testing.TB, c Cluster, frames []schemas.Frame) {
	t.Helper()
	p, err := NewProducer(c, "frames", "/test")
	if err != nil {
		t.Fatal(err)
	}
	for len(frames) > 0 {
		n := min(2000, len(frames))
		if err := p.Publish(t.Context(), frames[:n]); err != nil {
			t.Fatal(err)
		}
		frames = frames[n:]
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// allSpans covers the topic from its start to its current end, or without end.
func allSpans(t testing.TB, c Cluster, forEver bool) []Span {
	t.Helper()
	partitions, err := Describe(t.Context(), c, "frames")
	if err != nil {
		t.Fatal(err)
	}
	var spans []Span
	for _, p := range partitions {
		s := Span{Partition: p.ID, From: p.First, To: p.End}
		if forEver {
			s.To = Unbounded
		}
		spans = append(spans, s)
	}
	return spans
}

type place struct {
	partition int32
	offset    int64
}

// checkOnce fails unless there are n frames at distinct offsets, each stream's in ascending order, with
// sequence numbers from from on without a gap.
func checkOnce(t *testing.T, frames []schemas.Frame, n int, from int64) {
	t.Helper()
	seen := map[place]bool{}
	next := map[string]int64{}
	for _, f := range frames {
		p := place{f.Partition, f.Offset}
		if seen[p] {
			t.Errorf("partition %d offset %d is duplicated", f.Partition, f.Offset)
		}
		seen[p] = true
		if _, ok := next[f.Stream]; !ok {
			next[f.Stream] = from
		}
		if f.Sequence != next[f.Stream] {
			t.Fatalf("stream %s: frame %d where %d was next", f.Stream, f.Sequence, next[f.Stream])
		}
		next[f.Stream]++
	}
	if len(frames) != n {
		t.Errorf("got %d frames, want %d", len(frames), n)
	}
}

// leakCheck fails the test if goroutines of this package or of kafka-go outlive it. Register it first, so
// that it runs after every other cleanup.
func leakCheck(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		// prism's job server and the harness live as long as the process
		err := goleak.Find(before,
			goleak.IgnoreAnyFunction("github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism.Execute"),
			goleak.IgnoreAnyFunction("google.golang.org/grpc.(*Server).Serve"))
		if err != nil {
			t.Error(err)
		}
	})
}
