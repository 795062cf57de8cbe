package kafkaio

import (
	"testing"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLedgerCommitsTheDurablePrefix(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 3)
	publish(t, c, streamFrames(30, 0, 10))
	spans := []Span{{Partition: 0, From: 5, To: Unbounded}, {Partition: 1, To: Unbounded, Done: offsets([2]int64{0, 7}, [2]int64{9, 12})}}
	link := session.Open("job", 0)
	defer link.Close()
	committed := func() map[int32]int64 {
		t.Helper()
		m, err := CommittedOffsets(t.Context(), c, "group", "frames")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if got := committed(); len(got) != 0 {
		t.Fatalf("a new group has committed %v", got)
	}
	if err := OpenLedger(t.Context(), c, "group", "frames", spans, link); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int32]int64{0: 5, 1: 7}, committed()); diff != "" {
		t.Error(diff)
	}
	durable := func(partition int32, o schemas.Offsets) {
		link.SetDurable(session.Durable{Topic: "frames", Partition: partition, Offsets: o})
	}
	durable(0, offsets([2]int64{6, 9})) // 5 is missing
	durable(1, offsets([2]int64{7, 9}))
	durable(2, offsets([2]int64{0, 3}))                                                      // not ours
	link.SetDurable(session.Durable{Topic: "other", Offsets: offsets([2]int64{0, 1 << 40})}) // not ours
	eventually(t, "the ledger commits by itself", func() bool { return committed()[1] == 12 })
	if diff := cmp.Diff(map[int32]int64{0: 5, 1: 12}, committed()); diff != "" {
		t.Error(diff)
	}
	durable(0, offsets([2]int64{5, 6}))
	if err := link.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int32]int64{0: 9, 1: 12}, committed()); diff != "" {
		t.Error(diff)
	}
}

// The committed prefix never passes an offset without a durable outcome, in whatever order outcomes become durable.
func TestPrefixIsNeverAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		job := session.Open("job", 0)
		defer job.Close()
		l := Ledger{job: job, topic: "frames", next: map[int32]int64{0: 0}}
		durable := map[int64]bool{}
		for _, o := range rapid.Permutation([]int64{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "order") {
			job.SetDurable(session.Durable{Topic: "frames", Offsets: offsets([2]int64{o, o + 1})})
			durable[o] = true
			want := int64(0)
			for durable[want] {
				want++
			}
			if got := l.moved()[0]; got != want {
				t.Fatalf("prefix %d, want %d", got, want)
			}
		}
	})
}

func TestLedgerFollowsAPipeline(t *testing.T) {
	_, c := startBroker(t, 4)
	publish(t, c, streamFrames(10, 0, 50))
	spans := allSpans(t, c, false)
	var job *session.Session
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: spans}, 0, nil, func(l *session.Session) {
		job = l
		if err := OpenLedger(t.Context(), c, "group", "frames", spans, l); err != nil {
			t.Fatal(err)
		}
	})
	checkOnce(t, j.mustEnd(t), 500, 0)
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := CommittedOffsets(t.Context(), c, "group", "frames")
	if err != nil {
		t.Fatal(err)
	}
	want, err := EndOffsets(t.Context(), c, "frames")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
