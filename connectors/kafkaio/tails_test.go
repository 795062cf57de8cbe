package kafkaio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// testBrokers hold each request until something of it is there, as long as brokers do.
type testBrokers struct {
	mu       sync.Mutex
	led      map[int32]int
	there    map[int32]fetched // what is there to fetch, by partition
	failing  error             // of requests for several partitions
	leftOut  map[int32]bool    // … in the responses to those
	requests [][]int32         // partitions of each, ascending
	news     chan struct{}     // closed when something comes
}

func startTails(t *testing.T, partitions ...int32) (*testBrokers, *tails) {
	b := &testBrokers{led: map[int32]int{}, there: map[int32]fetched{}, leftOut: map[int32]bool{}, news: make(chan struct{})}
	for _, p := range partitions {
		b.led[p] = 1
	}
	all := newTails(b, "frames")
	t.Cleanup(all.close)
	return b, all
}

func (b *testBrokers) come(partition int32, f fetched) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.there[partition] = f
	close(b.news)
	b.news = make(chan struct{})
}

func (b *testBrokers) leaders(context.Context, string) map[int32]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.led
}

func (b *testBrokers) fetchCommitted(ctx context.Context, topic string, at position) (fetched, error) {
	found, err := b.fetchTogether(ctx, topic, []position{at})
	return found[at.partition], errors.Join(err, found[at.partition].err)
}

func (b *testBrokers) fetchTogether(ctx context.Context, _ string, all []position) (map[int32]fetched, error) {
	var asked []int32
	for _, at := range all {
		asked = append(asked, at.partition)
	}
	slices.Sort(asked)
	b.mu.Lock()
	b.requests = append(b.requests, asked)
	b.mu.Unlock()
	end := time.After(fetchWait)
	for {
		b.mu.Lock()
		if b.failing != nil && len(all) > 1 {
			defer b.mu.Unlock()
			return nil, b.failing
		}
		found, some := map[int32]fetched{}, false
		for _, p := range asked {
			f, ok := b.there[p]
			if some = some || ok; !b.leftOut[p] || len(all) == 1 {
				found[p] = f
			}
		}
		news := b.news
		b.mu.Unlock()
		if some {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-end:
			return found, nil
		case <-news:
		}
	}
}

// asked returns the requests since the last call.
func (b *testBrokers) asked() [][]int32 {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.requests
	b.requests = nil
	return asked
}

type outcome struct {
	end int64
	err error
}

// start fetches a partition until it gets something.
func start(ctx context.Context, all *tails, partition int32) <-chan outcome {
	got := make(chan outcome, 1)
	go func() {
		f, err := all.fetch(ctx, position{partition: partition, bytes: 100})
		got <- outcome{f.end, err}
	}()
	return got
}

func want(t *testing.T, got <-chan outcome, end int64, err error) {
	t.Helper()
	synctest.Wait()
	select {
	case o := <-got:
		if o.end != end || !errors.Is(o.err, err) {
			t.Errorf("got end %d and %v, want %d and %v", o.end, o.err, end, err)
		}
	default:
		t.Error("not answered")
	}
}

func wantRequests(t *testing.T, b *testBrokers, want ...[]int32) {
	t.Helper()
	if diff := cmp.Diff(want, b.asked()); diff != "" {
		t.Error(diff)
	}
}

// Partitions that are asked for within a rest share a request, and one that it brought nothing of is in the next.
func TestTailsShareRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, all := startTails(t, 0, 1, 2)
		first := start(t.Context(), all, 0)
		wantRequests(t, b, []int32{0})
		start(t.Context(), all, 1)
		second := start(t.Context(), all, 2)
		wantRequests(t, b)
		time.Sleep(rest)
		wantRequests(t, b, []int32{1, 2})
		b.come(2, fetched{end: 7})
		want(t, second, 7, nil)
		b.come(0, fetched{end: 5})
		want(t, first, 5, nil)
		start(t.Context(), all, 0)
		time.Sleep(rest)
		wantRequests(t, b, []int32{0, 1})
	})
}

// A partition that is asked for while a request waits at the brokers does not wait for it.
func TestATailDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, all := startTails(t, 0, 1)
		start(t.Context(), all, 0)
		time.Sleep(fetchWait / 2)
		b.mu.Lock()
		b.there[1] = fetched{end: 3}
		b.mu.Unlock()
		want(t, start(t.Context(), all, 1), 3, nil)
	})
}

func TestATailEndsWithoutRecordsAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, all := startTails(t, 0)
		got := start(t.Context(), all, 0)
		time.Sleep(fetchWait)
		want(t, got, 0, nil)
	})
}

func TestEachLeaderIsAskedForItsTails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, all := startTails(t, 0, 1, 2)
		all.last, b.led[1] = time.Now(), 2
		for p := range int32(3) {
			start(t.Context(), all, p)
		}
		time.Sleep(rest)
		requests := b.asked()
		slices.SortFunc(requests, slices.Compare)
		if diff := cmp.Diff([][]int32{{0, 2}, {1}}, requests); diff != "" {
			t.Error(diff)
		}
	})
}

// The error of a partition is its own. One without a leader, one that a response leaves out, and all of a request that fails are fetched alone.
func TestErrorsOfTails(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		arrange func(b *testBrokers)
		err     error   // of partition 0
		alone   []int32 // partitions that are fetched alone in the end
	}{
		"of one":     {func(b *testBrokers) { b.there[0] = fetched{err: kafka.NotLeaderForPartition} }, kafka.NotLeaderForPartition, nil},
		"left out":   {func(b *testBrokers) { b.leftOut[0] = true }, nil, []int32{0}},
		"no leader":  {func(b *testBrokers) { delete(b.led, 0) }, nil, []int32{0}},
		"no request": {func(b *testBrokers) { b.failing = broken }, nil, []int32{0, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, all := startTails(t, 0, 1, 2)
				all.last = time.Now()
				b.there[0], b.there[1], b.there[2] = fetched{}, fetched{end: 1}, fetched{end: 1}
				test.arrange(b)
				if test.err == nil {
					b.there[0] = fetched{end: 1}
				}
				got := []<-chan outcome{start(t.Context(), all, 0), start(t.Context(), all, 1), start(t.Context(), all, 2)}
				time.Sleep(rest)
				if test.err != nil {
					want(t, got[0], 0, test.err)
				} else {
					want(t, got[0], 1, nil)
				}
				want(t, got[1], 1, nil)
				want(t, got[2], 1, nil)
				var alone []int32
				for _, r := range b.asked() {
					if len(r) == 1 {
						alone = append(alone, r[0])
					}
				}
				slices.Sort(alone)
				if diff := cmp.Diff(test.alone, alone); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// One that is given up ends at once, and is not asked for any more.
func TestATailIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, all := startTails(t, 0, 1)
		ctx, cancel := context.WithCancel(t.Context())
		all.last = time.Now()
		got := start(ctx, all, 0)
		synctest.Wait()
		cancel()
		want(t, got, 0, context.Canceled)
		start(t.Context(), all, 1)
		time.Sleep(rest)
		wantRequests(t, b, []int32{1})
	})
}

// Live frames of all partitions are read once each, in order, in requests for several partitions; where a partition of them fails now and
// then, and where leaders move.
func TestReadLiveFramesTogether(t *testing.T) {
	leakCheck(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(6, "frames"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var together, refused atomic.Int64
	cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		r := req.(*kmsg.FetchRequest)
		if len(r.Topics) == 0 || len(r.Topics[0].Partitions) < 2 {
			return nil, nil, false
		}
		if together.Add(1)%5 != 0 {
			return nil, nil, false
		}
		refused.Add(1)
		res := r.ResponseKind().(*kmsg.FetchResponse)
		topic, partition := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
		topic.Topic, partition.Partition, partition.ErrorCode = "frames", r.Topics[0].Partitions[0].Partition, kerr.NotLeaderForPartition.Code
		topic.Partitions = append(topic.Partitions, partition) // the others are left out
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	c := Cluster{Brokers: cluster.ListenAddrs()}
	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(t, c, true)}, 1<<20, nil)
	const streams = 20
	sent := 0
	for refused.Load() < 3 {
		publish(t, c, streamFrames(streams, sent, 5))
		sent += 5
		eventually(t, "the frames are read", func() bool { return j.count() >= sent*streams })
		if err := cluster.MoveTopicPartition("frames", int32(sent/5%6), int32(sent/5%2)); err != nil {
			t.Fatal(err)
		}
	}
	j.link.Drain()
	checkOnce(t, j.mustEnd(t), sent*streams, 0)
}
