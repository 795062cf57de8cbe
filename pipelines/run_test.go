package pipelines

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

const colours = "../testdata/colours"

func TestMain(m *testing.M) {
	flag.Parse()
	beam.Init()
	code := main(m.Run)
	if err := kafkatest.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// topics numbers the topics of the tests, which share a broker.
var topics atomic.Int64

// site is a broker with a topic of frames.
type site struct {
	cluster kafkaio.Cluster
	topic   string
	sent    int
	next    map[string]int64
	produce *kafkaio.Producer
}

func newSite(t *testing.T, partitions int) *site {
	t.Helper()
	return newSiteAt(t, kafkatest.Shared(t), partitions)
}

// newSiteAt makes a topic of its own on the brokers at addr, HOST:PORT,….
func newSiteAt(t *testing.T, addr string, partitions int) *site {
	t.Helper()
	topic := fmt.Sprintf("frames-%d", topics.Add(1))
	s := &site{cluster: kafkaio.Cluster{Brokers: strings.Split(addr, ",")}, topic: topic, next: map[string]int64{}}
	var err error
	if _, err := kafkaio.EnsureTopic(t.Context(), s.cluster, s.topic, partitions); err != nil {
		t.Fatal(err)
	}
	if s.produce, err = kafkaio.NewProducer(s.cluster, s.topic, "/test"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.produce.Close() })
	return s
}

var paint = map[string][3]byte{"red": {230, 10, 10}, "green": {10, 230, 10}, "blue": {10, 10, 230}, "dark": {12, 12, 12}, "pale": {120, 110, 108}}

// send publishes one frame of each colour to the stream, in order.
func (s *site) send(t *testing.T, stream string, colours ...string) {
	t.Helper()
	var frames []schemas.Frame
	for _, c := range colours {
		rgb := paint[c]
		frames = append(frames, schemas.Frame{Stream: stream, Sequence: s.next[stream], ContentType: schemas.RGB8, Width: 1, Height: 1, Truth: c, Image: rgb[:]})
		s.next[stream]++
	}
	s.publish(t, frames)
}

func (s *site) publish(t *testing.T, frames []schemas.Frame) {
	t.Helper()
	if err := s.produce.Publish(t.Context(), frames); err != nil {
		t.Fatal(err)
	}
	s.sent += len(frames)
}

func (s *site) options(t *testing.T) Options {
	return Options{Cluster: s.cluster, Topic: s.topic, Group: "g-" + s.topic, Pack: colours, Out: t.TempDir(), UntilEnd: true}
}

// rows reads the data set back and fails unless it holds each frame that was sent exactly once.
func (s *site) rows(t *testing.T, dir string) []schemas.Outcome {
	t.Helper()
	all := s.rowEach(t, dir)
	if len(all) != s.sent {
		t.Errorf("%d rows, %d frames sent", len(all), s.sent)
	}
	return all
}

// answered waits until a run that goes on has written as many rows as frames were sent.
func (s *site) answered(t *testing.T, dir string) {
	t.Helper()
	await(t, func() bool {
		found, err := parquetio.Find(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		for _, offsets := range found.Offsets()[s.topic] {
			rows += offsets.Count()
		}
		return rows >= int64(s.sent)
	})
}

// rowEach reads the data set back and fails unless it holds each offset of the topic exactly once. Those may be
// more than were sent: a producer retries without an acknowledgement.
func (s *site) rowEach(t *testing.T, dir string) []schemas.Outcome {
	t.Helper()
	seen := map[string]bool{}
	var all []schemas.Outcome
	for o, err := range parquetio.Rows(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("%s/%d/%d", o.Topic, o.Partition, o.Offset)
		if seen[id] {
			t.Errorf("%s has two rows", id)
		}
		seen[id] = true
		all = append(all, o)
	}
	ends, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	var end int64
	for _, e := range ends {
		end += e
	}
	if int64(len(all)) != end {
		t.Errorf("%d rows, %d frames in the topic", len(all), end)
	}
	return all
}

func (s *site) fill(t *testing.T, streams, frames int) {
	t.Helper()
	names := []string{"red", "green", "blue", "dark"}
	for i := range streams {
		var colours []string
		for f := range frames {
			colours = append(colours, names[(i+f/40)%4])
		}
		s.send(t, fmt.Sprintf("cam-%03d", i), colours...)
	}
}

func TestEveryFrameGetsOneCorrectRow(t *testing.T) {
	for _, full := range []string{FullTransform, FullInline} {
		t.Run(full, func(t *testing.T) {
			s := newSite(t, 3)
			s.fill(t, 7, 200)
			o := s.options(t)
			o.Full = full
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			outcomes := map[string]int{}
			for _, r := range s.rows(t, o.Out) {
				outcomes[r.Outcome]++
				if r.Label != r.Truth {
					t.Errorf("%s frame %d: %s, truth is %s", r.Stream, r.Sequence, r.Label, r.Truth)
				}
				if r.Outcome == schemas.Hit && (r.SpecialistUs <= 0 || r.FullUs != 0) || r.Outcome == schemas.Miss && r.FullUs <= 0 {
					t.Errorf("times do not fit the outcome: %+v", r)
				}
				if r.ModelSHA256 == "" || r.Pack != "colours@1.0.0" || r.LatencyUs <= 0 {
					t.Errorf("incomplete row: %+v", r)
				}
			}
			if outcomes[schemas.Hit] < 1000 || outcomes[schemas.Miss] < 7 {
				t.Errorf("outcomes: %v", outcomes)
			}
		})
	}
}

func TestARunResumesAfterItsFiles(t *testing.T) {
	s := newSite(t, 2)
	s.fill(t, 4, 50)
	o := s.options(t)
	for range 3 {
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		s.rows(t, o.Out)
		s.fill(t, 4, 30)
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
	committed, err := kafkaio.CommittedOffsets(t.Context(), s.cluster, o.Group, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	for p, end := range ends {
		if committed[p] != end {
			t.Errorf("partition %d: committed %d of %d", p, committed[p], end)
		}
	}
}

// With nothing left to read no job is started, on any runner: the Flink of this test does not exist. The state of the
// streams stays.
func TestARunWithNothingLeftStartsNoJob(t *testing.T) {
	s := newSite(t, 2)
	s.fill(t, 3, 10)
	o := s.options(t)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	snapshot := parquetio.PrivatePath(o.Out, snapshotName(s.topic))
	before, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	flink := o
	flink.Runner, flink.Endpoint, flink.FlinkREST = RunnerFlink, "127.0.0.1:1", "127.0.0.1:1"
	pool := flink
	pool.WorkerPool = "127.0.0.1:1"
	for name, o := range map[string]Options{RunnerPrism: o, RunnerFlink: flink, "flink with a worker pool": pool} {
		t.Run(name, func(t *testing.T) {
			v := s.supervised(t, o)
			v.runner.execute = func(context.Context, execution) error { return errors.New("a job was started") }
			if why, err := v.run(t.Context()); why != reasonDone || err != nil {
				t.Errorf("ended %s, %v", why, err)
			}
		})
	}
	if after, err := os.ReadFile(snapshot); err != nil || string(after) != string(before) {
		t.Errorf("the state of the streams changed: %v", err)
	}
	s.fill(t, 3, 1)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
}

func TestBadFramesCostARowEachAndNothingElse(t *testing.T) {
	s := newSite(t, 1)
	s.send(t, "cam", "red", "red")
	s.publish(t, []schemas.Frame{
		{Stream: "cam", ContentType: schemas.JPEG, Image: []byte("\xff\xd8\xff not an image")},
		{Stream: "cam", ContentType: "text/plain", Image: []byte("hello")},
		{Stream: "cam", ContentType: schemas.PNG},
		{Stream: "", ContentType: schemas.RGB8, Width: 1, Height: 1, Image: []byte{1, 2, 3}},
		{Stream: "cam", ContentType: schemas.RGB8, Width: 1 << 30, Height: 1 << 30, Image: []byte{1, 2, 3}},
	})
	s.send(t, "cam", "red", "red")
	o := s.options(t)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	reasons := map[int64]string{}
	for _, r := range s.rows(t, o.Out) {
		if (r.Outcome == schemas.Error) != (r.Error != "") {
			t.Errorf("%+v", r)
		}
		if r.Error != "" {
			reasons[r.Offset] = r.Error
		} else if r.Label != "red" {
			t.Errorf("%+v", r)
		}
	}
	for offset, want := range map[int64]string{2: "decode image", 3: "text/plain", 4: "empty", 5: "no key", 6: "width header"} {
		if !strings.Contains(reasons[offset], want) {
			t.Errorf("offset %d: reason is %q, expected one that says %q", offset, reasons[offset], want)
		}
	}
	if len(reasons) != 5 {
		t.Errorf("reasons: %v", reasons)
	}
}

// A stop leaves no frame without a row: what was read is answered and written before Run returns.
func TestStoppingDrains(t *testing.T) {
	s := newSite(t, 2)
	s.fill(t, 4, 100)
	o := s.options(t)
	o.UntilEnd = false
	link, stop := s.background(t, o)
	await(t, func() bool { read, _ := link.Counts(); return read >= 100 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	read, written := link.Counts()
	if read != written {
		t.Errorf("%d frames read, %d rows written", read, written)
	}
	o.UntilEnd = true
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("not within 2 minutes")
		}
	}
}

func TestInvalidOptionsAreReported(t *testing.T) {
	s := newSite(t, 1)
	s.fill(t, 1, 10)
	other := kafkaio.Cluster{Brokers: []string{kafkatest.Own(t).Addr()}}
	if _, err := kafkaio.EnsureTopic(t.Context(), other, s.topic, 1); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		edit func(o *Options)
		want string
	}{
		"runner":      {func(o *Options) { o.Runner = "spark" }, `--runner "spark"`},
		"no endpoint": {func(o *Options) { o.Runner = RunnerFlink }, "--endpoint is missing"},
		"policy":      {func(o *Options) { o.Policy = "best" }, `--policy "best"`},
		"no paper":    {func(o *Options) { o.Policy = PolicyPaper }, "--policy paper"},
		"full":        {func(o *Options) { o.Full = "outline" }, `--full "outline"`},
		"offset":      {func(o *Options) { o.Offset = "yesterday" }, `--offset "yesterday"`},
		"topic":       {func(o *Options) { o.Topic = "nowhere" }, "nowhere"},
		"pack":        {func(o *Options) { o.Pack = "../testdata" }, "manifest.json"},
		"broker":      {func(o *Options) { o.Cluster.Brokers = []string{"127.0.0.1:1"} }, "127.0.0.1:1"},
		"another topic of that name": {func(o *Options) {
			if err := Run(t.Context(), *o); err != nil {
				t.Fatal(err)
			}
			o.Cluster = other
		}, "deleted and created again"},
		"folder is file": {func(o *Options) { o.Out = "run_test.go" }, "run_test.go"},
	} {
		t.Run(name, func(t *testing.T) {
			o := s.options(t)
			c.edit(&o)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("no answer within 10 s"))
			defer cancel()
			if err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error is %v, expected one line that says %q", err, c.want)
			}
		})
	}
}
