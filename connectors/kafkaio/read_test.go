package kafkaio

import (
	"testing"

	"github.com/cachenet/cachenet/schemas"
	"github.com/google/go-cmp/cmp"
)

func TestReadUntilEnd(t *testing.T) {
	_, c := startBroker(t, 5)
	publish(t, c, streamFrames(24, 0, 200))
	spans := allSpans(t, c, false)
	publish(t, c, streamFrames(24, 200, 10)) // behind the end captured above

	j := startJob(t, ReadConfig{Cluster: c, Topic: "frames", Spans: spans}, 0, nil)
	frames := j.mustEnd(t)
	checkOnce(t, frames, 24*200, 0)

	f := frames[0]
	want := schemas.Frame{Stream: f.Stream, Topic: "frames", Partition: f.Partition, Offset: f.Offset, Sequence: f.Sequence,
		EventTime: f.EventTime, ContentType: schemas.JPEG, Truth: "cat", Image: f.Image}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	var longest int
	for _, r := range j.runs {
		longest = max(longest, len(r.Frames))
		for _, f := range r.Frames {
			if f.Stream != r.Frames[0].Stream {
				t.Fatal("a run mixes streams")
			}
		}
	}
	if longest != defaultRunLength {
		t.Errorf("longest run has %d frames, want %d", longest, defaultRunLength)
	}
}
