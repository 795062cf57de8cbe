package pipelines

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/schemas"
)

// load is a producer that runs until it is stopped.
type load struct {
	sent atomic.Int64
	stop func() error
}

// load publishes a frame of each stream every 50 ms.
func (s *site) load(t *testing.T, streams int) *load {
	t.Helper()
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.pour(ctx, l, streams) }()
	l.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = l.stop() })
	return l
}

func (s *site) pour(ctx context.Context, l *load, streams int) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := int64(0); ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		frames := make([]schemas.Frame, streams)
		for i := range frames {
			rgb := paint["blue"]
			frames[i] = schemas.Frame{Stream: fmt.Sprintf("cam-%03d", i), Sequence: n, ContentType: schemas.RGB8, Width: 1, Height: 1, Image: rgb[:]}
		}
		// not ctx: a started batch is sent, so that the count is right
		if err := s.produce.Publish(context.WithoutCancel(ctx), frames); err != nil {
			return err
		}
		l.sent.Add(int64(streams))
	}
}

// twoKafkas starts a cluster of two brokers that replicate every topic; the first is its controller.
func twoKafkas(t *testing.T) (first, second *kafkatest.Kafka) {
	t.Helper()
	first, err := kafkatest.NewKafka(t.TempDir(), 0, "default.replication.factor=2", "offsets.topic.replication.factor=2")
	if err != nil {
		t.Fatal(err)
	}
	if second, err = first.Join(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*kafkatest.Kafka{first, second} {
		if err := b.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	return first, second
}

// Leaders move between two brokers under load, by election, when their broker is stopped and when it is killed:
// reading and both kinds of writing follow by themselves.
func TestLeadersMoveUnderLoad(t *testing.T) {
	if !kafkatest.Real() {
		t.Skip("needs a real Kafka: make test-kafka")
	}
	first, second := twoKafkas(t)
	s := newSiteAt(t, first.Addr()+","+second.Addr(), 6)
	o := s.options(t)
	o.UntilEnd, o.FileAge, o.OutcomesTopic = false, 200*time.Millisecond, s.topic+"-outcomes"
	l := s.load(t, 24)
	link, stop := s.background(t, o)
	written := func() int64 { _, n := link.Counts(); return n }
	lead := func(node int32) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			return errors.Join(kafkatest.MoveLeader(ctx, first.Addr(), s.topic, node), kafkatest.MoveLeader(ctx, first.Addr(), o.OutcomesTopic, node))
		}
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"nothing happened", func() error { return nil }},
		{"the second leads", lead(2)}, {"the first leads", lead(1)}, {"the second leads again", lead(2)},
		{"the second, which led, was stopped", second.Stop}, {"it is back", second.Start}, {"and leads", lead(2)},
		{"it was killed", second.Kill}, {"it is back from death", second.Start}, {"and leads once more", lead(2)},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		done, goal := time.Now(), l.sent.Load()+24*20 // those of the next second
		await(t, func() bool { return written() >= goal })
		t.Logf("%s: the frames of the next second have rows %.1f s later", step.what, time.Since(done).Seconds())
	}
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	inTopic := int64(len(s.records(t, s.topic))) // more than were sent, where a producer sent again what a killed broker had taken
	await(t, func() bool { return written() >= inTopic })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	all := s.rowEach(t, o.Out)
	frames, ids := map[string]bool{}, map[string]bool{}
	for _, r := range all {
		frames[fmt.Sprint(r.Stream, r.Sequence)] = true
	}
	for _, m := range s.records(t, o.OutcomesTopic) {
		for _, h := range m.Headers {
			if h.Key == schemas.HeaderID {
				ids[string(h.Value)] = true
			}
		}
	}
	t.Logf("sent %d, in the topic and rows %d, outcomes in the topic %d", l.sent.Load(), len(all), len(ids))
	if int64(len(frames)) != l.sent.Load() || len(ids) != len(all) {
		t.Errorf("%d frames sent, %d of them have rows; %d rows, %d outcomes in the topic", l.sent.Load(), len(frames), len(all), len(ids))
	}
}
