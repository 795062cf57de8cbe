package kafkaio

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkatest"
)

func TestMarksTellRecordsApart(t *testing.T) {
	at := time.UnixMilli(1_780_000_000_123)
	m := Mark{Offset: 7, Stream: "cam", Time: at, Bytes: 3}
	for name, c := range map[string]struct {
		mark, other Mark
		same        bool
	}{
		"itself":            {m, m, true},
		"less exact":        {m, Mark{7, "cam", at.Add(400 * time.Microsecond).UTC(), 3}, true},
		"other offset":      {m, Mark{8, "cam", at, 3}, false},
		"other key":         {m, Mark{7, "dog", at, 3}, false},
		"other time":        {m, Mark{7, "cam", at.Add(time.Millisecond), 3}, false},
		"other size":        {m, Mark{7, "cam", at, 4}, false},
		"size not known":    {Mark{7, "cam", at, 0}, m, true},
		"time without one":  {m, Mark{7, "cam", time.UnixMilli(-1), 3}, true}, // the row has the time of reading
		"time too far away": {m, Mark{7, "cam", latest.AddDate(9000, 0, 0), 3}, true},
	} {
		if got := c.mark.same(c.other); got != c.same {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// recreate deletes the topic of frames and creates it again.
func recreate(t *testing.T, c Cluster, partitions int) {
	t.Helper()
	err := kafkatest.DeleteTopic(t.Context(), c.Brokers[0], "frames")
	if err == nil {
		_, err = EnsureTopic(t.Context(), c, "frames", partitions)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// marksOf returns the mark of the record at an offset of each partition.
func marksOf(t *testing.T, c Cluster, at map[int32]int64) map[int32]Mark {
	t.Helper()
	k, err := c.connect("frames")
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	marks := map[int32]Mark{}
	for p, offset := range at {
		r, err := k.recordAt(t.Context(), "frames", p, offset)
		if err != nil {
			t.Fatal(err)
		}
		marks[p] = markOf(r)
	}
	return marks
}

// A topic that was recreated and has grown beyond the old offsets is recognised by its records; one whose records are gone, or that is shorter, is left to others.
func TestARecreatedTopicIsRecognised(t *testing.T) {
	b, c := startBroker(t, 2)
	publish(t, c, streamFrames(20, 0, 10))
	ends, err := EndOffsets(t.Context(), c, "frames")
	if err != nil {
		t.Fatal(err)
	}
	marks := marksOf(t, c, map[int32]int64{0: ends[0] - 1, 1: ends[1] - 1})
	check := func(when string, want ...int32) {
		t.Helper()
		other, err := Replaced(t.Context(), c, "frames", marks)
		if slices.Sort(other); !slices.Equal(other, want) || err != nil {
			t.Errorf("%s: replaced %v, %v; want %v", when, other, err, want)
		}
	}
	check("the same topic")
	if err := kafkatest.DeleteRecords(t.Context(), b.Addr(), "frames", 1, ends[1]); err != nil {
		t.Fatal(err)
	}
	check("after retention")
	recreate(t, c, 2)
	check("a new topic without records")
	publish(t, c, streamFrames(20, 100, 20))
	check("a new topic with more records", 0, 1)
	if err := kafkatest.DeleteRecords(t.Context(), b.Addr(), "frames", 1, ends[1]); err != nil {
		t.Fatal(err)
	}
	check("a new topic after retention", 0)
	marks = nil
	check("nothing to look for")
	if _, err := Replaced(t.Context(), Cluster{Brokers: []string{"127.0.0.1:1"}}, "frames", map[int32]Mark{0: {}}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without a broker: %v", err)
	}
}

// After an interruption a fetcher looks whether it still reads the same topic, which then may hold more than before.
func TestAFetcherRecognisesItsTopic(t *testing.T) {
	_, c := startBroker(t, 1)
	publish(t, c, streamFrames(1, 0, 10))
	k, err := c.connect("frames")
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	cfg := ReadConfig{Cluster: c, Topic: "frames"}.withDefaults()
	f := &fetcher{cfg: &cfg, client: k, span: Span{To: Unbounded}, at: 10, failing: true, seen: marksOf(t, c, map[int32]int64{0: 9})[0]}
	if err := f.recognise(t.Context()); err != nil {
		t.Errorf("the same topic: %v", err)
	}
	recreate(t, c, 1)
	publish(t, c, streamFrames(1, 100, 500))
	if _, err := f.fetch(t.Context()); !errors.Is(err, errTruncated) || !strings.Contains(err.Error(), "another record at offset 9 than before") {
		t.Errorf("another topic: %v", err)
	}
}

// A topic that is recreated while it is read ends the job, and no frame of it is read.
func TestReadFailsWhenTheTopicIsRecreated(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	publish(t, c, streamFrames(1, 0, 10))
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, true)}, 0, nil)
	eventually(t, "frames arrive", func() bool { return j.count() == 10 })
	recreate(t, c, 1)
	publish(t, c, streamFrames(1, 100, 500))
	if err := j.wait(t); err == nil || !strings.Contains(err.Error(), "topic was recreated or truncated") {
		t.Errorf("got error %v", err)
	}
	if n := j.count(); n != 10 {
		t.Errorf("%d frames were read", n)
	}
}
