package pipelines

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/session"
)

// listener calls heard when a message is logged for the first time.
type listener struct {
	slog.Handler // for the methods that are not used
	message      string
	heard        func()
	once         *sync.Once
}

func (listener) Enabled(context.Context, slog.Level) bool { return true }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	if r.Message == l.message {
		l.once.Do(l.heard)
	}
	return nil
}

// onMessage calls heard when the test logs the message for the first time. It returns a function that reports whether it did.
func onMessage(t *testing.T, message string, heard func()) (was func() bool) {
	t.Helper()
	before := slog.Default()
	called := make(chan struct{})
	slog.SetDefault(slog.New(listener{slog.DiscardHandler, message, func() { heard(); close(called) }, new(sync.Once)}))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() bool {
		select {
		case <-called:
			return true
		default:
			return false
		}
	}
}

// committed reports whether the group's offsets have reached the end of the topic.
func (s *site) committed(t *testing.T, group string) bool {
	t.Helper()
	offsets, err := kafkaio.CommittedOffsets(t.Context(), s.cluster, group, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(ends, func(_ int32, end int64) bool { return end == 0 })
	maps.DeleteFunc(offsets, func(_ int32, next int64) bool { return next == 0 })
	return maps.Equal(offsets, ends)
}

// A broker that is unavailable when a job has ended is retried until it is back, whatever ended the job: the next job reads what
// is left. Here the broker returns once the next job's first request has failed.
func TestBrokerUnavailableBetweenJobs(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(v *supervisor)                                // before the first job
		end   func(t *testing.T, s *site, link *session.Session) // ends the first job, once all of its frames have rows
		lost  bool
	}{
		"new partitions": {
			begin: func(v *supervisor) { v.Watch = 10 * time.Millisecond },
			end: func(t *testing.T, s *site, _ *session.Session) {
				if err := kafkatest.AddPartitions(t.Context(), s.cluster.Brokers[0], s.topic, 3); err != nil {
					t.Error(err)
				}
			}},
		"renewal":    {begin: func(v *supervisor) { v.runner.renew = time.Millisecond }},
		"resumption": {lost: true, end: func(_ *testing.T, _ *site, link *session.Session) { link.Drain() }},
	} {
		t.Run(name, func(t *testing.T) {
			broker := kafkatest.Own(t)
			s := newSiteAt(t, broker.Addr(), 1)
			s.fill(t, 2, 50)
			o := s.options(t)
			o.UntilEnd, o.FileAge = false, 50*time.Millisecond
			v := s.supervised(t, o)
			if c.begin != nil {
				c.begin(v)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			prism, jobs := v.runner.execute, 0
			v.runner.execute = func(job context.Context, x execution) error {
				if jobs++; jobs > 1 {
					go func() { await(t, func() bool { return durableCount(t, o) == s.sent }); stop() }()
					return prism(job, x)
				}
				v.runner.renew = 0 // for the next job
				ended := make(chan error, 1)
				go func() { ended <- prism(job, x) }()
				if c.end != nil {
					await(t, func() bool { return s.committed(t, o.Group) })
					c.end(t, s, x.job)
				}
				err := <-ended
				s.fill(t, 2, 50)
				if stopErr := broker.Stop(); stopErr != nil {
					t.Error(stopErr)
				}
				if c.lost {
					return errLost
				}
				return err
			}
			wasAway := onMessage(t, "Kafka is unavailable before the next job; retrying", func() {
				if err := broker.Start(); err != nil {
					t.Error(err)
				}
			})
			why, err := v.run(ctx)
			if why != reasonStopped || err != nil || jobs != 2 || !wasAway() {
				t.Errorf("ended %s, %v, after %d jobs; the broker was unavailable: %v", why, err, jobs, wasAway())
			}
			s.rows(t, o.Out)
		})
	}
}

// The run also waits for a broker that becomes unavailable between the assignment of partitions and the job that reads them.
func TestBrokerUnavailableAfterAnAssignment(t *testing.T) {
	broker := kafkatest.Own(t)
	s := newSiteAt(t, broker.Addr(), 1)
	s.fill(t, 2, 50)
	v := s.supervised(t, s.options(t))
	v.scope = scope{assigned: &kafkaio.Assignment{Partitions: []int32{0}}}
	if err := broker.Stop(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wasAway := onMessage(t, "Kafka is unavailable before the next job; retrying", func() {
		if err := broker.Start(); err != nil {
			t.Error(err)
		}
		stop() // the assignment, which has no real member
	})
	if why, err := v.run(ctx); why != reasonStopped || !wasAway() {
		t.Errorf("ended %s, %v; the broker was unavailable: %v", why, err, wasAway())
	}
}
