package kafkaio

import (
	"strings"
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
		{Stream: "cam", Offset: 7, Sequence: 7, EventTime: at, ContentType: schemas.RGB8, Width: 1, Height: 1, Image: []byte{1, 2, 3}, Form: schemas.FormInput},
	} {
		origin := schemas.OriginOf("device", &f).String()
		m := missMessage(origin, &f)
		got := decode(record{offset: 7, time: m.Time, key: m.Key, value: m.Value, size: len(m.Value), headers: m.Headers}, 1<<20, at)
		want := f
		want.Origin = origin
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		o := schemas.Outcome{Stream: f.Stream, Outcome: schemas.Miss, Label: "cat", Confidence: 0.75, Origin: origin, EventTime: at, Top: []schemas.Ranked{{Label: "cat", Probability: 0.75}, {Label: "dog", Probability: 0.2}}}
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

// Answers of an older server have one class, and those of a newer one may have more to say.
func TestAnswersOfOtherVersionsAreRead(t *testing.T) {
	for _, more := range []string{"", `,"top":[]`, `,"unheard of":[1]`} {
		value := `{"outcome":"miss","label":"cat","confidence":0.75,"origin":"d/t/0/1/00000000"` + more + `}`
		o, err := readAnswer(record{value: []byte(value)})
		if err != nil || o.Label != "cat" || o.Confidence != 0.75 || len(o.Top) != 0 {
			t.Errorf("%s: %+v, %v", value, o, err)
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

// A form that this server does not know must not be taken for a frame as it is.
func TestAnUnknownFormIsRefused(t *testing.T) {
	m := missMessage("d/t/0/1/00000000", &schemas.Frame{Stream: "cam", ContentType: schemas.RGB8, Width: 1, Height: 1, Image: []byte{1, 2, 3}, Form: "codes"})
	got := decode(record{offset: 7, key: m.Key, value: m.Value, size: len(m.Value), headers: m.Headers}, 1<<20, time.Now())
	if !strings.Contains(got.Fault, "codes") || got.Origin == "" {
		t.Errorf("fault %q, origin %q", got.Fault, got.Origin)
	}
}
