package kafkaio

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

// The server sees the frame as the device did, and the device reads what the server answers.
func TestAMissAndItsAnswerTravel(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000).UTC()
	for _, f := range []schemas.Frame{
		{Stream: "cam", Offset: 7, Sequence: 7, EventTime: at, ContentType: schemas.JPEG, Truth: "cat", Image: []byte("\xff\xd8\xff rest")},
		{Stream: "0x00ff", Offset: 7, Sequence: 7, EventTime: at, ContentType: schemas.RGB8, Width: 1, Height: 1, Image: []byte{1, 2, 3}},
	} {
		origin := schemas.OriginOf("device", &f).String()
		m := missMessage(origin, &f)
		got := decode(record{offset: 7, time: m.Time, key: m.Key, value: m.Value, size: len(m.Value), headers: m.Headers}, 1<<20, at)
		want := f
		want.Origin = origin
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		o := schemas.Outcome{Stream: f.Stream, Outcome: schemas.Miss, Label: "cat", Confidence: 0.75, Origin: origin, EventTime: at}
		a, err := answerMessage(&o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := readAnswer(record{value: a.Value})
		if diff := cmp.Diff(o, back); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

func TestOtherRecordsAreNoAnswers(t *testing.T) {
	for _, value := range []string{"", "{", `{"outcome":"miss","label":"cat"}`, `{"outcome":"miss","origin":"d/t/0/1/00000000"}`} {
		r := record{value: []byte(value)}
		if value == "" {
			r.value = nil
		}
		if _, err := readAnswer(r); err == nil {
			t.Errorf("%q is taken for an answer", value)
		}
	}
}
