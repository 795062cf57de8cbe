package kafkaio

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
)

func TestReadUntilEnd(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 5)
	publish(t, c, streamFrames(24, 0, 200))
	spans := allSpans(t, c, false)
	publish(t, c, streamFrames(24, 200, 10)) // behind the end captured above

	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: spans}, 0, nil)
	frames := j.mustEnd(t)
	checkOnce(t, frames, 24*200, 0)

	f := frames[0]
	want := schemas.Frame{Stream: f.Stream, Topic: "frames", Partition: f.Partition, Offset: f.Offset, Sequence: f.Sequence,
		EventTime: f.EventTime, ContentType: schemas.JPEG, Truth: "cat", Image: f.Image}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	longest := 0
	for _, r := range j.runs {
		longest = max(longest, len(r.Frames))
		for _, f := range r.Frames {
			if f.Stream != r.Frames[0].Stream {
				t.Fatal("a run mixes streams")
			}
		}
	}
	if longest != defaultRunLength {
		t.Errorf("longest run has %d frames, want %d", longest, defaultRunLength)
	}
}

func TestReadSkipsWhatIsDone(t *testing.T) {
	_, c := startBroker(t, 3)
	publish(t, c, streamFrames(8, 0, 100))
	spans := allSpans(t, c, false)
	want := map[place]bool{}
	for i, s := range spans {
		for o := s.From; o < s.To; o++ {
			if rand.N(3) == 0 {
				want[place{s.Partition, o}] = true
			} else {
				spans[i].Done.Add(o, o+1)
			}
		}
	}
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: spans}, 0, nil)
	got := map[place]bool{}
	for _, f := range j.mustEnd(t) {
		got[place{f.Partition, f.Offset}] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if read, _ := j.link.Counts(); int(read) != len(want) {
		t.Errorf("the session counts %d frames, want %d", read, len(want))
	}
}

func TestReadDrains(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 4)
	publish(t, c, streamFrames(10, 0, 1000))
	// one bundle's worth of credit keeps the source from reaching the end before the drain
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, true), BundleRecords: 40}, 100*session.FrameCost, nil)
	eventually(t, "some frames arrive", func() bool { return j.count() > 500 })
	j.link.Drain()
	frames := j.mustEnd(t)
	checkOnce(t, frames, len(frames), 0)
	if read, written := j.link.Counts(); read != written || int(read) != len(frames) {
		t.Errorf("read %d, written %d, collected %d", read, written, len(frames))
	}
	if len(frames) == 10*1000 {
		t.Error("the drain came after the last frame and was not tested")
	}
}

func TestReadDrainsWhenItsStopFileAppears(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 4)
	publish(t, c, streamFrames(10, 0, 50))
	stop := filepath.Join(t.TempDir(), "stop")
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, false), StopFile: stop}, 0, nil)
	eventually(t, "all frames arrive", func() bool { return j.count() == 500 })
	if err := os.WriteFile(stop, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	checkOnce(t, j.mustEnd(t), 500, 0)
}

// Credit is counted by the size in a frame's row, which the sink returns: also where the value was too large
// to be read.
func TestReadStaysWithinItsCredit(t *testing.T) {
	for name, limit := range map[string]int{"frames": 1000, "frames over the limit": 999} {
		t.Run(name, func(t *testing.T) {
			_, c := startBroker(t, 4)
			frames := streamFrames(10, 0, 12)
			for i := range frames {
				frames[i].Image = make([]byte, 1000)
			}
			publish(t, c, frames)
			hold := make(chan struct{})
			j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, false), MaxFrameBytes: limit},
				20*(1000+session.FrameCost), hold)
			eventually(t, "the credit is used", j.link.Full)
			eventually(t, "the sink is reached", func() bool { return len(j.frames()) > 0 })
			if read, _ := j.link.Counts(); read != 20 {
				t.Errorf("%d frames of 1,000 bytes are in flight, want 20", read)
			}
			close(hold)
			checkOnce(t, j.mustEnd(t), 10*12, 0)
		})
	}
}

func TestReadTurnsAnyRecordIntoAFrame(t *testing.T) {
	_, c := startBroker(t, 1)
	w, err := c.newWriter("frames")
	if err != nil {
		t.Fatal(err)
	}
	bad := kafka.Header{Key: schemas.HeaderSequence, Value: []byte("twelve")}
	records := []kafka.Message{
		{Key: []byte("cam"), Value: []byte(jpegHead)},
		{Value: []byte("nobody's")},
		{Key: []byte("cam")},
		{Key: []byte("cam"), Value: make([]byte, 101)},
		{Key: []byte("cam"), Value: []byte(jpegHead), Headers: []kafka.Header{bad}},
		{Key: []byte{0xff, 0xfe}, Value: []byte(jpegHead)},
	}
	if err := w.write(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, false), MaxFrameBytes: 100}, 0, nil)
	got := map[int64]string{}
	for _, f := range j.mustEnd(t) {
		got[f.Offset] = f.Fault
	}
	want := map[int64]string{
		0: "",
		1: "no key: a record's key is its stream id",
		2: "empty value",
		3: "value of 101 bytes exceeds the limit of 100",
		4: `sequence header "twelve" is not a number from 0 to 9223372036854775807`,
		5: "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadReportsWhatRetentionDeleted(t *testing.T) {
	_, c := startBroker(t, 1)
	publish(t, c, streamFrames(1, 0, 100))
	spans := allSpans(t, c, false)
	spans[0].Done.Add(10, 20)
	deleteRecords(t, c, 60)

	var lost []session.Lost
	var durable schemas.Offsets
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: spans}, 0, nil, func(l *session.Session) {
		l.OnLost(func(x session.Lost) { lost = append(lost, x) })
		l.OnDurable(func(d session.Durable) { durable.Union(d.Offsets) })
	})
	checkOnce(t, j.mustEnd(t), 40, 60)
	want := []session.Lost{{Topic: "frames", From: 0, To: 10}, {Topic: "frames", From: 20, To: 60}}
	if diff := cmp.Diff(want, lost); diff != "" {
		t.Error(diff)
	}
	if next := durable.Next(20); next != 100 {
		t.Errorf("nothing is durable from %d on; the committed offset would stop there", next)
	}
}

func TestReadSkipsTransactionMarkers(t *testing.T) {
	_, c := startBroker(t, 1)
	publishTransactions(t, c, 3, 5) // 3 transactions of 5 frames, each with a marker behind
	spans := allSpans(t, c, false)
	if spans[0].To != 18 {
		t.Fatalf("the topic ends at %d, want 18: no markers to test with", spans[0].To)
	}
	var durable schemas.Offsets
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: spans}, 0, nil, func(l *session.Session) {
		l.OnDurable(func(d session.Durable) { durable.Union(d.Offsets) })
	})
	checkOnce(t, j.mustEnd(t), 15, 0)
	if next := durable.Next(0); next != 18 {
		t.Errorf("durable up to %d, want 18", next)
	}
}

func TestReadFailsWhenTheTopicWasRecreated(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	publish(t, c, streamFrames(1, 0, 10))
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: []Span{{From: 500, To: Unbounded}}}, 0, nil)
	if err := j.wait(t); err == nil || !strings.Contains(err.Error(), "from offset 500: it ends at 10: topic was recreated or truncated") {
		t.Errorf("got error %v", err)
	}
}

func TestReadGivesUpOnAnUnavailableBroker(t *testing.T) {
	leakCheck(t)
	b, c := startBroker(t, 1)
	publish(t, c, streamFrames(1, 0, 10))
	spans := allSpans(t, c, true)
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: spans, RetryFor: 300 * time.Millisecond}, 0, nil)
	eventually(t, "the frames arrive", func() bool { return j.count() == 10 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.wait(t); err == nil || !strings.Contains(err.Error(), "kafka: read frames/0 from offset 10: failing for") {
		t.Errorf("got error %v", err)
	}
}

func TestDescribeFailsFast(t *testing.T) {
	_, c := startBroker(t, 2)
	if _, err := Describe(t.Context(), c, "nowhere"); err == nil || !strings.Contains(err.Error(), `topic "nowhere"`) {
		t.Errorf("missing topic: got error %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := Describe(ctx, Cluster{Brokers: []string{"127.0.0.1:1"}}, "frames"); err == nil || ctx.Err() != nil ||
		!strings.Contains(err.Error(), "connect to 127.0.0.1:1") {
		t.Errorf("no broker: got error %v", err)
	}
	publish(t, c, streamFrames(10, 0, 10))
	partitions, err := Describe(t.Context(), c, "frames")
	if err != nil {
		t.Fatal(err)
	}
	if len(partitions) != 2 || partitions[0].ID != 0 || partitions[1].ID != 1 || partitions[0].End+partitions[1].End != 100 {
		t.Errorf("got %v", partitions)
	}
}
