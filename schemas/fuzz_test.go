package schemas

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tinylib/msgp/msgp"
)

// encoding is one of the types that travel between transforms.
type encoding interface {
	msgp.Marshaler
	msgp.Unmarshaler
}

// Any bytes decode to a value or an error, at a cost bounded by their number, whatever lengths they
// declare; every value round-trips through its encoding.
func FuzzEncodings(f *testing.F) {
	of := map[byte]func() encoding{
		'r': func() encoding { return &Run{} }, 'm': func() encoding { return &MissedRun{} }, 'o': func() encoding { return &Outcomes{} },
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for kind, v := range map[byte]encoding{
		'r': &Run{Frames: []Frame{{Stream: "cam", Topic: "frames", Offset: 7, EventTime: at, ContentType: JPEG, Image: []byte{1}}}},
		'm': &MissedRun{Frames: []Missed{{Outcome: Outcome{Stream: "cam", EventTime: at}, Frame: Frame{Image: []byte{1, 2, 3}}}}},
		'o': &Outcomes{Rows: []Outcome{{Stream: "cam", EventTime: at, Outcome: Hit, Label: "cat", Confidence: 0.5}}},
	} {
		b, err := v.MarshalMsg(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, b)
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		make, ok := of[kind]
		if !ok {
			return
		}
		v := make()
		if _, err := v.UnmarshalMsg(b); err != nil {
			return
		}
		again, err := v.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		back := make()
		if _, err := back.UnmarshalMsg(again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, back, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// What is read from a footer is a set: disjoint ascending ranges that round-trip through their text.
func FuzzOffsets(f *testing.F) {
	f.Add([]byte("[[0,100],[120,130]]"))
	f.Add([]byte("[[5,9],[0,6],[9,9]]"))
	f.Add([]byte("[[0,9223372036854775807]]"))
	f.Add([]byte("[[9,5]]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o, back Offsets
		if err := json.Unmarshal(b, &o); err != nil {
			return
		}
		last := int64(-1)
		for from, to := range o.All() {
			if from <= last || to <= from || !o.Contains(from) || o.Contains(to) || o.Next(from) != to {
				t.Errorf("[%d, %d) behind %d", from, to, last)
			}
			last = to
		}
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, back, cmp.AllowUnexported(Offsets{}, offsetRange{}), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}
