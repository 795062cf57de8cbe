package kafkaio

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/connectors/kafkatest"
)

// held reads all records of partition 0 of a topic.
func held(t *testing.T, cluster Cluster, topic string) (values []string) {
	t.Helper()
	l, err := OpenLog(cluster, topic, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	first, end, err := l.Bounds(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for first < end {
		records, next, err := l.Read(t.Context(), 0, first, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			values = append(values, string(r.Value))
		}
		first = next
	}
	return values
}

func someAnswers(n int, bytes int) []kafka.Message {
	all := make([]kafka.Message, n)
	for i := range all {
		all[i] = kafka.Message{Key: []byte(fmt.Sprint(i)), Value: []byte(fmt.Sprintf("%d %s", i, strings.Repeat("x", bytes)))}
	}
	return all
}

// One client answers many devices at once, in order for each, whatever the number of answers.
func TestOneClientAnswersManyDevices(t *testing.T) {
	_, cluster := startBroker(t, 1)
	a, err := newAnswerer(cluster)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var g errgroup.Group
	for d := range 20 {
		g.Go(func() error {
			return a.send(t.Context(), AnswersTopic("answers", fmt.Sprint(d)), someAnswers(batchRecords+10*d, 10))
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for d := range 20 {
		values := held(t, cluster, AnswersTopic("answers", fmt.Sprint(d)))
		if len(values) != batchRecords+10*d {
			t.Errorf("device %d got %d answers", d, len(values))
		}
		for i, v := range values {
			if !strings.HasPrefix(v, fmt.Sprintf("%d ", i)) {
				t.Fatalf("device %d: answer %d is %q", d, i, v)
			}
		}
	}
}

// A topic that somebody deleted is created again at once: a bundle does not wait for it.
func TestADeletedAnswersTopicIsCreatedAgain(t *testing.T) {
	_, cluster := startBroker(t, 1)
	a, err := newAnswerer(cluster)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for round := range 3 {
		begun := time.Now()
		if err := a.send(t.Context(), "answers-d", someAnswers(3, 10)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("round %d took %v", round, took)
		}
		if n := len(held(t, cluster, "answers-d")); n != 3 {
			t.Errorf("round %d: %d answers", round, n)
		}
		if err := kafkatest.DeleteTopic(t.Context(), cluster.Brokers[0], "answers-d"); err != nil {
			t.Fatal(err)
		}
	}
}

// Answers that do not fit into one batch of the topic go in smaller ones; one that never fits is an error.
func TestAnswersFitTheTopic(t *testing.T) {
	_, cluster := startBroker(t, 1)
	a, err := newAnswerer(cluster)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	limited(t, cluster, "answers-d", 2000)
	if err := a.send(t.Context(), "answers-d", someAnswers(50, 200)); err != nil {
		t.Fatal(err)
	}
	if n := len(held(t, cluster, "answers-d")); n != 50 {
		t.Errorf("%d answers", n)
	}
	if err := a.send(t.Context(), "answers-d", someAnswers(1, 5000)); !isTooLarge(err) {
		t.Errorf("error is %v", err)
	}
}
