package kafkaio

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/session"
)

// holdings records which member holds which partitions.
type holdings struct {
	mu    sync.Mutex
	of    map[string][]int32
	clash bool
}

// hold keeps an assignment until it ends.
func (h *holdings) hold(ctx context.Context, member string, a Assignment) {
	h.mu.Lock()
	for other, theirs := range h.of {
		if other != member && slices.ContainsFunc(a.Partitions, func(p int32) bool { return slices.Contains(theirs, p) }) {
			h.clash = true
		}
	}
	h.of[member] = a.Partitions
	h.mu.Unlock()
	<-ctx.Done()
	h.mu.Lock()
	delete(h.of, member)
	h.mu.Unlock()
}

// counts returns how many partitions each member holds, ascending.
func (h *holdings) counts() (n []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, partitions := range h.of {
		n = append(n, len(partitions))
	}
	slices.Sort(n)
	return n
}

func TestEachPartitionHasOneMember(t *testing.T) {
	_, c := startBroker(t, 6)
	h := &holdings{of: map[string][]int32{}}
	join := func(member string) (leave func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Share(ctx, c, "g", "frames", 6*time.Second, func(ctx context.Context, a Assignment) (bool, error) {
				h.hold(ctx, member, a)
				return false, nil
			})
		}()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("%s: %v", member, err)
			}
		}
	}
	first := join("first")
	eventually(t, "one member holds all", func() bool { return slices.Equal(h.counts(), []int{6}) })
	second := join("second")
	eventually(t, "two members hold half each", func() bool { return slices.Equal(h.counts(), []int{3, 3}) })
	first()
	eventually(t, "the other holds all", func() bool { return slices.Equal(h.counts(), []int{6}) })
	second()
	if h.clash {
		t.Error("two members held a partition at the same time")
	}
}

func TestAMemberCommitsWhatIsDurable(t *testing.T) {
	_, c := startBroker(t, 1)
	publish(t, c, streamFrames(1, 0, 10))
	link := session.Open("job", 0)
	defer link.Close()
	err := Share(t.Context(), c, "g", "frames", 0, func(ctx context.Context, a Assignment) (bool, error) {
		if err := OpenLedgerIn(ctx, c, a, allSpans(t, c, false), link); err != nil {
			return false, err
		}
		link.SetDurable(session.Durable{Topic: "frames", Offsets: offsets([2]int64{0, 7})})
		return true, link.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	committed, err := CommittedOffsets(t.Context(), c, "g", "frames")
	if err != nil || committed[0] != 7 {
		t.Errorf("committed %v, %v; expected 7", committed, err)
	}
}

func TestShareEndsWithItsWorkOrAnError(t *testing.T) {
	_, c := startBroker(t, 1)
	broken := errors.New("broken")
	for _, want := range []error{nil, broken} {
		err := Share(t.Context(), c, "g", "frames", 0, func(context.Context, Assignment) (bool, error) { return want == nil, want })
		if !errors.Is(err, want) {
			t.Errorf("Share returned %v, expected %v", err, want)
		}
	}
	start := time.Now()
	err := Share(t.Context(), Cluster{Brokers: []string{"127.0.0.1:1"}}, "g", "frames", 0, nil)
	if err == nil || !strings.Contains(err.Error(), "join group g") || time.Since(start) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// What the brokers refuse is told at once: waiting does not mend a setting.
func TestASessionTimeoutThatBrokersRefuseIsToldAtOnce(t *testing.T) {
	_, c := startBroker(t, 1)
	for _, session := range []time.Duration{time.Second, 2 * time.Hour} {
		start := time.Now()
		err := Share(t.Context(), c, "g", "frames", session, nil)
		if err == nil || !strings.Contains(err.Error(), "--session-timeout is outside the brokers' range") || time.Since(start) > requestTimeout {
			t.Errorf("%v: after %v: %v", session, time.Since(start), err)
		}
	}
	for err, want := range map[error]bool{
		kafka.InvalidSessionTimeout: true, kafka.GroupAuthorizationFailed: true, kafka.GroupCoordinatorNotAvailable: false,
		kafka.UnknownMemberId: false, errors.New("connection refused"): false,
	} {
		if refused(err) != want {
			t.Errorf("%v: refused is %v", err, !want)
		}
	}
}
