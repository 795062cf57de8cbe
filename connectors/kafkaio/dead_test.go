package kafkaio

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// failures makes an outcome with an error for each of the first n records of partition 0 of a topic.
func failures(topic string, n int) []schemas.Outcome {
	var rows []schemas.Outcome
	for i := range n {
		rows = append(rows, schemas.Outcome{Topic: topic, Offset: int64(i), EventTime: recorded, Outcome: schemas.Error,
			Error: fmt.Sprint("reason ", i), Stage: schemas.StageDecode})
	}
	return rows
}

// writeLetters runs WriteDeadLetters on outcomes.
func writeLetters(t *testing.T, c Cluster, topic string, rows []schemas.Outcome) {
	t.Helper()
	job := session.Open("job", 0)
	p, s := beam.NewPipelineWithRoot()
	WriteDeadLetters(s, WriteConfig{Job: job.ID(), Cluster: c, Topic: topic}, beam.CreateList(s, []schemas.Outcomes{{Rows: rows}}))
	if _, err := prism.Execute(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
}

// Of frames too large for the dead-letter topic, as much is kept as fits.
func TestLettersOfFramesThatAreTooLarge(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	limited(t, c, "large", 10<<20)
	frames := []kafka.Message{
		{Key: []byte("cam-1"), Value: make([]byte, 300_000), Headers: headers("own", "1")},
		{Key: []byte("cam-1"), Value: make([]byte, 3_000_000), Headers: headers("own", "2")},
		{Key: make([]byte, 1_200_000), Value: make([]byte, 2_000_000), Headers: headers("own", strings.Repeat("x", 1_200_000))},
		{Key: []byte("cam-2"), Value: make([]byte, 900_000)},
	}
	if err := open(t, c, "large").write(t.Context(), frames); err != nil {
		t.Fatal(err)
	}
	limited(t, c, "dead", 1<<20)
	writeLetters(t, c, "dead", failures("large", len(frames)))
	letters := map[string]kafka.Message{}
	for _, m := range readAll(t, c, "dead")[0] {
		letters[headerMap(m)[deadOffset]] = m
	}
	for i, want := range []struct {
		key, value int
		headers    int // of the frame
		omitted    string
	}{{5, 300_000, 1, ""}, {5, 0, 1, "3000000"}, {0, 0, 0, "2000000"}, {5, 900_000, 0, ""}} {
		m := letters[fmt.Sprint(i)]
		h := headerMap(m)
		own := 0
		for _, x := range m.Headers {
			if !strings.HasPrefix(x.Key, deadPrefix) {
				own++
			}
		}
		if len(m.Key) != want.key || len(m.Value) != want.value || own != want.headers || h[deadOmitted] != want.omitted ||
			h[deadReason] != fmt.Sprint("reason ", i) || h[deadTopic] != "large" || h[deadPartition] != "0" || h[deadStage] != schemas.StageDecode {
			t.Errorf("frame %d: key of %d bytes, value of %d, %d headers of its own, %q", i, len(m.Key), len(m.Value), own, h)
		}
	}
	if len(letters) != len(frames) {
		t.Errorf("%d letters of %d frames", len(letters), len(frames))
	}
}

// A bundle may contain hundreds of large frames: they are read and sent a few at a time.
func TestLettersAreReadAFewAtATime(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	const size, n = 250_000, 40
	var frames []kafka.Message
	for range n {
		frames = append(frames, kafka.Message{Key: []byte("cam"), Value: make([]byte, size)})
	}
	if err := open(t, c, "frames").write(t.Context(), frames); err != nil {
		t.Fatal(err)
	}
	reader, err := c.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.close()
	fn := deadFn{reader: reader}
	failed := failures("frames", n)
	failed = append(failed[:10], failed[12:]...) // two were answered
	seen := map[string]bool{}
	for fetches := 0; len(failed) > 0; fetches++ {
		letters, read, err := fn.fetch(t.Context(), failed)
		if err != nil || read == 0 {
			t.Fatalf("%d outcomes, error %v", read, err)
		}
		bytes := 0
		for _, m := range letters {
			bytes += len(m.Value)
			seen[headerMap(m)[deadOffset]] = true
		}
		if bytes > defaultFetchBytes+batchBytes {
			t.Errorf("%d bytes at once", bytes)
		}
		failed = failed[read:]
	}
	if len(seen) != n-2 || seen["10"] || seen["11"] || !seen["39"] {
		t.Errorf("letters of %v", seen)
	}
}

func TestLettersOfFramesThatAreGone(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	publish(t, c, streamFrames(1, 0, 10))
	deleteRecords(t, c, 4)
	limited(t, c, "dead", 1<<20)
	writeLetters(t, c, "dead", failures("frames", 10))
	if got := readAll(t, c, "dead")[0]; len(got) != 6 || headerMap(got[0])[deadOffset] != "4" {
		t.Errorf("%d letters, the first of %q", len(got), headerMap(got[0]))
	}
}

func TestDeadLetterTopicIsChecked(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	limited(t, c, "tiny", 1000)
	limited(t, c, "smaller-than-the-frames", 100_000)
	settings(t, c, "compacted", cleanupPolicy, "compact")
	settings(t, c, "compacted-too", cleanupPolicy, "delete,compact")
	for topic, want := range map[string]string{
		"new": "", "frames": "", "smaller-than-the-frames": "",
		"tiny": "too small", "compacted": "it is compacted", "compacted-too": "it is compacted",
	} {
		err := EnsureDeadLetterTopic(t.Context(), c, topic, "frames")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", topic, err, want)
		}
	}
	k, err := c.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	if n, err := k.maxMessageBytes(t.Context(), "new"); err != nil || n != deadBytes {
		t.Errorf("a new topic takes %d bytes, error %v", n, err)
	}
}

func TestOutcomesTopicIsChecked(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	limited(t, c, "tiny", 1000)
	settings(t, c, "compacted", cleanupPolicy, "compact") // the last outcome of each stream: some want that
	for topic, want := range map[string]string{"new": "", "compacted": "", "frames": "", "tiny": "too small"} {
		err := EnsureOutcomesTopic(t.Context(), c, topic)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", topic, err, want)
		}
	}
	if n, err := EnsureTopic(t.Context(), c, "new", 1); err != nil || n != outcomePartitions {
		t.Errorf("a new topic has %d partitions, error %v", n, err)
	}
}
