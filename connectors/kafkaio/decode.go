package kafkaio

import (
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

// Limits on what a producer may put beside the image: texts end up in every outcome row.
const (
	maxKeyBytes   = 1024
	maxLabelBytes = 256
	maxSide       = 1 << 16 // pixels
)

// record is what the log holds at one offset. Value is nil when it was too large to keep; size is its length.
type record struct {
	offset  int64
	time    time.Time
	key     []byte
	value   []byte
	size    int
	headers []kafka.Header
}

// decode makes a frame of any record: what is wrong with it ends in Frame.Fault (the first thing found), so
// that every record gets its outcome. limit is the largest value in bytes; now stands in for a record time
// outside of the years 1970 to 9999, which no later step could write down.
func decode(r record, limit int, now time.Time) schemas.Frame {
	f := schemas.Frame{Offset: r.offset, Sequence: r.offset, EventTime: recordTime(r.time, now), Image: r.value}
	f.Stream = text(r.key, maxKeyBytes)
	switch {
	case len(r.key) == 0:
		f.Fault = "no key: a record's key is its stream id"
	case len(r.key) > maxKeyBytes:
		f.Fault = fmt.Sprintf("key of %d bytes exceeds the limit of %d", len(r.key), maxKeyBytes)
	case !utf8.Valid(r.key):
		f.Fault = "key is not UTF-8"
	case r.size == 0:
		f.Fault = "empty value"
	case r.size > limit:
		f.Fault = fmt.Sprintf("value of %d bytes exceeds the limit of %d", r.size, limit)
	}
	for _, h := range r.headers {
		if err := readHeader(&f, h); err != nil && f.Fault == "" {
			f.Fault = err.Error()
		}
	}
	if f.Fault == "" && f.ContentType == schemas.RGB8 && (f.Width == 0 || f.Height == 0) {
		f.Fault = "no width and height headers beside " + schemas.RGB8
	}
	return f
}

// readHeader puts a header that concerns the frame into f. Where a header comes twice, the last one counts.
func readHeader(f *schemas.Frame, h kafka.Header) error {
	switch h.Key {
	case schemas.HeaderContentType:
		f.ContentType = contentType(h.Value)
	case schemas.HeaderLabel:
		if len(h.Value) > maxLabelBytes {
			return fmt.Errorf("label header of %d bytes exceeds the limit of %d", len(h.Value), maxLabelBytes)
		}
		f.Truth = text(h.Value, maxLabelBytes)
	case schemas.HeaderSequence:
		n, err := number(h, 1<<63-1)
		if err != nil {
			return err
		}
		f.Sequence = n
	case schemas.HeaderWidth, schemas.HeaderHeight:
		n, err := number(h, maxSide)
		if err != nil {
			return err
		}
		if h.Key == schemas.HeaderWidth {
			f.Width = int32(n)
		} else {
			f.Height = int32(n)
		}
	}
	return nil
}

// number reads a header that holds a decimal number from 0 to limit.
func number(h kafka.Header, limit int64) (int64, error) {
	n, err := strconv.ParseInt(string(h.Value), 10, 64)
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("%s header %q is not a number from 0 to %d", h.Key, text(h.Value, 32), limit)
	}
	return n, nil
}

// contentType drops parameters and case; what is no media type is left as it is, for the reader to refuse.
func contentType(b []byte) string {
	s := text(b, maxLabelBytes)
	if media, _, err := mime.ParseMediaType(s); err == nil {
		return media
	}
	return strings.ToLower(strings.TrimSpace(s))
}

// text returns the first limit bytes of b as valid UTF-8.
func text(b []byte, limit int) string {
	return strings.ToValidUTF8(string(b[:min(len(b), limit)]), "\uFFFD")
}

func recordTime(t, now time.Time) time.Time {
	ms := t.UnixMilli()
	if ms < 0 || t.Year() > 9999 {
		ms = now.UnixMilli()
	}
	return time.UnixMilli(ms).UTC()
}
