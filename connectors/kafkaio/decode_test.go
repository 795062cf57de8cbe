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

// The first bytes of encoded images.
const (
	jpegHead = "\xff\xd8\xff\xe0\x00\x10JFIF\x00"
	pngHead  = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
)

func TestDecode(t *testing.T) {
	base := record{offset: 7, time: recorded, key: []byte("cam"), value: []byte(jpegHead), size: len(jpegHead)}
	frame := schemas.Frame{Stream: "cam", Offset: 7, Sequence: 7, EventTime: recorded, Image: []byte(jpegHead), ContentType: schemas.JPEG}
	rgb := make([]byte, 36)
	tests := map[string]struct {
		change func(*record)
		want   func(*schemas.Frame)
	}{
		"plain": {func(*record) {}, func(*schemas.Frame) {}},
		"all headers": {
			func(r *record) {
				r.value, r.size = rgb, len(rgb)
				r.headers = headers("content-type", "Application/X-RGB8; q=1", "width", "4", "height", "3", "sequence", "99",
					"label", "cat", "other", "\xff")
			},
			func(f *schemas.Frame) {
				f.Image, f.ContentType, f.Width, f.Height, f.Sequence, f.Truth = rgb, schemas.RGB8, 4, 3, 99, "cat"
			},
		},
		"names in any case": {
			func(r *record) {
				r.value, r.size = rgb, len(rgb)
				r.headers = headers("Content-Type", "application/x-rgb8", "WIDTH", "4", "Height", "3", "Sequence", "99", "LABEL", "cat")
			},
			func(f *schemas.Frame) {
				f.Image, f.ContentType, f.Width, f.Height, f.Sequence, f.Truth = rgb, schemas.RGB8, 4, 3, 99, "cat"
			},
		},
		"last header counts": {
			func(r *record) { r.headers = headers("label", "cat", "label", "dog") },
			func(f *schemas.Frame) { f.Truth = "dog" },
		},
		"long label": {
			func(r *record) { r.headers = headers("label", strings.Repeat("x", 257)) },
			func(f *schemas.Frame) {
				f.Fault, f.ContentType = "label header of 257 bytes exceeds the limit of 256", ""
			},
		},
		"negative sequence": {
			func(r *record) { r.headers = headers("sequence", "-1") },
			func(f *schemas.Frame) {
				f.Fault, f.ContentType = `sequence header "-1" is not a number from 0 to 9223372036854775807`, ""
			},
		},
		"size of an encoded image is in the image": {
			func(r *record) { r.headers = headers("width", "640.0", "height", "x") },
			func(f *schemas.Frame) {},
		},
		"no key": {
			func(r *record) { r.key = nil },
			func(f *schemas.Frame) {
				f.Stream, f.ContentType, f.Fault = "", "", "no key: a record's key is its stream id"
			},
		},
		"binary key": {
			func(r *record) { r.key = []byte{0, 0, 0, 200} },
			func(f *schemas.Frame) { f.Stream = "0x000000c8" },
		},
		"long key": {
			func(r *record) { r.key = []byte(strings.Repeat("ü", 1000)) },
			func(f *schemas.Frame) {
				f.Stream, f.ContentType, f.Fault = strings.Repeat("ü", 512), "", "key of 2000 bytes exceeds the limit of 1024"
			},
		},
		"long key, cut between characters": {
			func(r *record) { r.key = []byte("x" + strings.Repeat("ü", 1000)) },
			func(f *schemas.Frame) {
				f.Stream, f.ContentType, f.Fault = "x"+strings.Repeat("ü", 511), "", "key of 2001 bytes exceeds the limit of 1024"
			},
		},
		"no value": {
			func(r *record) { r.value, r.size = nil, 0 },
			func(f *schemas.Frame) { f.Image, f.ContentType, f.Fault = nil, "", "empty value" },
		},
		"large value": {
			func(r *record) { r.value, r.size, r.headers = nil, 1001, headers("content-type", "image/jpg") },
			func(f *schemas.Frame) {
				f.Image, f.Omitted, f.Fault = nil, 1001, "value of 1001 bytes exceeds the limit of 1000"
			},
		},
		"large value without a key": {
			func(r *record) {
				r.key, r.value, r.size, r.headers = nil, nil, 1001, headers("content-type", "image/jpg")
			},
			func(f *schemas.Frame) {
				f.Stream, f.Image, f.Omitted, f.Fault = "", nil, 1001, "no key: a record's key is its stream id"
			},
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
	f.Add([]byte("cam"), []byte(jpegHead), "content-type", []byte("image/jpeg"), int64(1e12))
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
