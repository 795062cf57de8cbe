package kafkaio

import (
	"errors"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/schemas"
)

// The frame that waits longest is looked for after a while, and then each time that its wait has doubled.
func TestTheOldestFrameIsLookedForNowAndThen(t *testing.T) {
	a, begun := newInFlight("d", 0), time.Now()
	for i := range int64(2) {
		a.add(begun.Add(time.Duration(i)*time.Second), []schemas.Missed{{Frame: schemas.Frame{Topic: "t", Offset: i}}})
	}
	batch := a.unsent(1 << 20)
	look := func(after time.Duration) bool { _, _, _, due := a.doubtful(begun.Add(after)); return due }
	if look(time.Hour) {
		t.Error("a frame that no broker acknowledged is looked for")
	}
	a.kept(batch, 3, 7)
	var times []time.Duration
	for after := time.Duration(0); after < 10*time.Minute; after += time.Second {
		if look(after) {
			times = append(times, after)
		}
	}
	if len(times) != 5 || times[0] != recheckEvery || times[4] != 16*recheckEvery {
		t.Errorf("looked for after %v", times)
	}
	if origin, partition, offset, due := a.doubtful(begun.Add(time.Hour)); !due || origin != batch[0].origin || partition != 3 || offset != 7 {
		t.Errorf("%s at %d/%d, due %v", origin, partition, offset, due)
	}
	if n := a.again(); n != 2 {
		t.Errorf("%d frames are sent again", n)
	}
	if look(10 * time.Hour) {
		t.Error("a frame that is about to be sent is looked for")
	}
}

// A record is recognised by the origin that it names, and none where the topic has none.
func TestARecordIsRecognised(t *testing.T) {
	_, cluster := startBroker(t, 1)
	c, err := cluster.connect("frames")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var records []kafka.Record
	for _, origin := range []string{"d/t/0/1", "d/t/0/2"} {
		m := missMessage(origin, &schemas.Frame{Stream: "cam", Image: []byte(jpegHead), ContentType: schemas.JPEG})
		records = append(records, kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers})
	}
	if _, err := c.Produce(t.Context(), &kafka.ProduceRequest{Topic: "frames", RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...)}); err != nil {
		t.Fatal(err)
	}
	for offset, want := range []string{"d/t/0/1", "d/t/0/2"} {
		if r, err := c.recordAt(t.Context(), "frames", 0, int64(offset)); err != nil || originIn(r) != want {
			t.Errorf("offset %d is of %q: %v", offset, originIn(r), err)
		}
	}
	if _, err := c.recordAt(t.Context(), "frames", 0, 2); !errors.Is(err, errNothing) {
		t.Errorf("behind the last record: %v", err)
	}
}

// The counts of a run are those of its jobs together.
func TestCountsOfJobsAdd(t *testing.T) {
	a, b := UplinkCounts{Asked: 3, Pending: 2, BytesUp: 10, Down: 1.5}, UplinkCounts{Asked: 4, Pending: 1, BytesUp: 5, Down: 1}
	for range 99 {
		a.Wait.add(10 * time.Millisecond)
	}
	b.Wait.add(time.Second)
	b.Wait.add(time.Second)
	a.Merge(b)
	if a.Asked != 7 || a.Pending != 1 || a.BytesUp != 15 || a.Down != 2.5 || a.Wait.Count() != 101 || a.WaitP50 > 20 || a.WaitP99 < 1000 {
		t.Errorf("%+v", a)
	}
}
