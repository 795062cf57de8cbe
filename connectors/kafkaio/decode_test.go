package kafkaio

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cachenet/cachenet/schemas"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
)

var (
	recorded = time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	now      = recorded.Add(time.Hour)
)

func headers(pairs ...string) []kafka.Header {
	var h []kafka.Header
	for i := 0; i < len(pairs); i += 2 {
		h = append(h, header(pairs[i], pairs[i+1]))
	}
	return h
}

func TestDecode(t *testing.T) {
	base := record{offset: 7, time: recorded, key: []byte("cam"), value: []byte("img"), size: 3}
	frame := schemas.Frame{Stream: "cam", Offset: 7, Sequence: 7, EventTime: recorded, Image: []byte("img")}
	tests := map[string]struct {
		change func(*record)
		want   func(*schemas.Frame)
	}{
		"plain": {func(*record) {}, func(*schemas.Frame) {}},
		"all headers": {
			func(r *record) {
				r.headers = headers("content-type", "Application/X-RGB8; q=1", "width", "4", "height", "3", "sequence", "99",
					"label", "cat", "other", "\xff")
			},
			func(f *schemas.Frame) {
				f.ContentType, f.Width, f.Height, f.Sequence, f.Truth = schemas.RGB8, 4, 3, 99, "cat"
			},
		},
		"last header counts": {
			func(r *record) { r.headers = headers("label", "cat", "label", "dog") },
			func(f *schemas.Frame) { f.Truth = "dog" },
		},
		"rgb8 without size": {
			func(r *record) { r.headers = headers("content-type", schemas.RGB8, "width", "4") },
			func(f *schemas.Frame) {
				f.ContentType, f.Width, f.Fault = schemas.RGB8, 4, "no width and height headers beside application/x-rgb8"
			},
		},
		"huge size": {
			func(r *record) { r.headers = headers("width", "2147483648") },
			func(f *schemas.Frame) { f.Fault = `width header "2147483648" is not a number from 0 to 65536` },
		},
		"negative sequence": {
			func(r *record) { r.headers = headers("sequence", "-1") },
			func(f *schemas.Frame) {
				f.Fault = `sequence header "-1" is not a number from 0 to 9223372036854775807`
			},
		},
		"content type of garbage": {
			func(r *record) { r.headers = headers("content-type", " JPEG/\xff ;") },
			func(f *schemas.Frame) { f.ContentType = "jpeg/\uFFFD ;" },
		},
		"no key": {
			func(r *record) { r.key = nil },
			func(f *schemas.Frame) { f.Stream, f.Fault = "", "no key: a record's key is its stream id" },
		},
		"long key": {
			func(r *record) { r.key = make([]byte, 2000) },
			func(f *schemas.Frame) {
				f.Stream, f.Fault = strings.Repeat("\x00", 1024), "key of 2000 bytes exceeds the limit of 1024"
			},
		},
		"no value": {
			func(r *record) { r.value, r.size = nil, 0 },
			func(f *schemas.Frame) { f.Image, f.Fault = nil, "empty value" },
		},
		"no time": {
			func(r *record) { r.time = time.UnixMilli(-1) },
			func(f *schemas.Frame) { f.EventTime = now },
		},
		"time beyond dates": {
			func(r *record) { r.time = time.UnixMilli(1<<63 - 1) },
			func(f *schemas.Frame) { f.EventTime = now },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, want := base, frame
			test.change(&r)
			test.want(&want)
			if diff := cmp.Diff(want, decode(r, 1000, now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("cam"), []byte("img"), "content-type", []byte("image/jpeg"), int64(1e12))
	f.Add([]byte{0xff}, []byte{}, "width", []byte("99999999999999999999"), int64(-1))
	f.Add([]byte{}, []byte(nil), "sequence", []byte("\x00"), int64(1<<63-1))
	f.Fuzz(func(t *testing.T, key, value []byte, name string, content []byte, ms int64) {
		r := record{offset: 3, time: time.UnixMilli(ms), key: key, value: value, size: len(value),
			headers: []kafka.Header{{Key: name, Value: content}}}
		got := decode(r, 100, now)
		for _, s := range []string{got.Stream, got.ContentType, got.Truth, got.Fault} {
			if !utf8.ValidString(s) || len(s) > 3*maxKeyBytes {
				t.Errorf("text %q", s)
			}
		}
		if y := got.EventTime.Year(); y < 1970 || y > 9999 || got.Sequence < 0 || got.Width < 0 || got.Width > maxSide {
			t.Errorf("out of range: %+v", got)
		}
		if got.Fault == "" && (len(key) == 0 || len(value) == 0 || len(value) > 100) {
			t.Errorf("no fault in %+v", got)
		}
		encoded, err := got.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		var back schemas.Frame
		if _, err := back.UnmarshalMsg(encoded); err != nil {
			t.Error(err)
		}
	})
}
