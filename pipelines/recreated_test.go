package pipelines

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/session"
)

// recreate deletes the topic and creates it again, with more frames in every partition than before.
func (s *site) recreate(t *testing.T, partitions int) {
	t.Helper()
	before, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := kafkatest.DeleteTopic(t.Context(), s.cluster.Brokers[0], s.topic); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { // Kafka takes a moment to forget the old one
		_, err = kafkaio.EnsureTopic(t.Context(), s.cluster, s.topic, partitions)
		if err != nil {
			return false
		}
		ends, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
		return err == nil && ends[0] == 0
	})
	await(t, func() bool {
		s.fill(t, 16, 20)
		ends, err := kafkaio.EndOffsets(t.Context(), s.cluster, s.topic)
		if err != nil {
			t.Fatal(err)
		}
		for p, end := range before {
			if ends[p] <= end {
				return false
			}
		}
		return true
	})
}

// A topic that was deleted and recreated since the last run, and holds more frames than that one answered, is refused: its first frames would
// count as answered.
func TestARecreatedTopicIsRefused(t *testing.T) {
	s := newSite(t, 2)
	s.fill(t, 8, 20)
	o := s.options(t)
	for range 2 { // the second finds its own topic
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		s.fill(t, 8, 2)
	}
	s.recreate(t, 2)
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "deleted and created again; choose another --out") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is %v", err)
	}
}

// The same while a run reads the topic.
func TestATopicRecreatedUnderARunEndsIt(t *testing.T) {
	s := newSite(t, 2)
	s.fill(t, 8, 20)
	o := s.options(t)
	o.UntilEnd, o.FileAge = false, 50*time.Millisecond
	jobs, ended := make(chan *session.Session, 1), make(chan error, 1)
	o.Started = func(j *session.Session) { jobs <- j }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a run that goes on drains without an error then
	defer cancel()
	go func() { ended <- Run(ctx, o) }()
	job := <-jobs
	await(t, func() bool { _, n := job.Counts(); return n == int64(s.sent) })
	s.recreate(t, 2)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "recreated") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is %v", err)
	}
}
