package kafkaio

import (
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/schemas"
)

// Letters that cannot be sent are skipped, counted and reported; the others are redelivered unchanged.
func TestRedeliverSkipsWhatCannotBeSent(t *testing.T) {
	leakCheck(t)
	_, c := startBroker(t, 1)
	limited(t, c, "large", 10<<20)
	limited(t, c, "lowered", 100_000)
	limited(t, c, "dead", 2_000_000)
	send := func(topic string, messages ...kafka.Message) {
		t.Helper()
		if err := open(t, c, topic).write(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
	}
	of := func(topic string, offset int64, m kafka.Message) kafka.Message {
		return letter(record{key: m.Key, value: m.Value, headers: m.Headers}, &schemas.Outcome{Topic: topic, Offset: offset, Stage: "decode", Error: "bad"})
	}
	small := kafka.Message{Key: []byte("cam"), Value: []byte("small"), Headers: headers("own", "1")}
	big := kafka.Message{Key: []byte("cam"), Value: make([]byte, 3_000_000), Headers: headers("own", "2")}
	send("large", small, big)
	send("dead",
		kafka.Message{Value: []byte("a frame that was sent to the wrong topic")},
		of("large", 0, small),
		of("large", 0, small),              // a bundle that was retried
		withoutValue(of("large", 1, big)),  // read from its source topic
		withoutValue(of("large", 99, big)), // at an offset without a record
		of("lowered", 0, kafka.Message{Value: make([]byte, 200_000)}),
		of("no such topic", 0, small),
		withoutValue(of("no such topic", 1, small)),
		of("not/a/topic", 0, small),
		of("lowered", 1, small),
	)
	sent, err := Redeliver(t.Context(), c, "dead", "replay")
	if sent != 3 || err == nil {
		t.Fatalf("sent %d, error %v", sent, err)
	}
	for _, want := range []string{"6 letters were skipped", "offset 0 of partition 0: the record is not a dead letter", "another --group"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	large := readAll(t, c, "large")[0]
	if len(large) != 4 {
		t.Fatalf("%d records", len(large))
	}
	for _, want := range []kafka.Message{small, big} {
		same := func(got kafka.Message) bool {
			return string(got.Key) == "cam" && len(got.Value) == len(want.Value) && len(got.Headers) == 1 && headerMap(got)["own"] == headerMap(want)["own"]
		}
		if !slices.ContainsFunc(large[2:], same) {
			t.Errorf("the frame of %d bytes was changed by redelivery", len(want.Value))
		}
	}
	if got := values(readAll(t, c, "lowered")[0]); len(got) != 1 || got[0] != "small" {
		t.Errorf("the record behind those skipped: %q", got)
	}
	if sent, err := Redeliver(t.Context(), c, "dead", "replay"); sent != 0 || err != nil {
		t.Errorf("again: sent %d, error %v", sent, err)
	}
}
