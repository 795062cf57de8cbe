package kafkaio

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

// Limits on what a producer may send with the image: texts end up in every outcome row.
const (
	maxKeyBytes    = 1024
	maxLabelBytes  = 256
	maxOriginBytes = 512
	maxSide        = 1 << 16 // pixels
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
	if len(r.key) > 0 {
		f.Stream = schemas.StreamOf(r.key[:cut(r.key, maxKeyBytes)])
	}
	switch {
	case len(r.key) == 0:
		f.Fault = "no key: a record's key is its stream id"
	case len(r.key) > maxKeyBytes:
		f.Fault = fmt.Sprintf("key of %d bytes exceeds the limit of %d", len(r.key), maxKeyBytes)
	case r.size == 0:
		f.Fault = "empty value"
	case r.size > limit:
		f.Fault = fmt.Sprintf("value of %d bytes exceeds the limit of %d", r.size, limit)
	}
	if r.size > limit {
		f.Omitted = int64(r.size)
	}
	if err := readHeaders(&f, r.headers); err != nil && f.Fault == "" {
		f.Fault = err.Error()
	}
	if f.Fault == "" {
		if err := settleType(&f); err != nil {
			f.Fault = err.Error()
		}
	}
	return f
}

// readHeaders puts the headers that concern the frame into f. Names are compared without regard to case; where a
// header comes twice, the last one counts. The error is about the first header that cannot be read.
func readHeaders(f *schemas.Frame, headers []kafka.Header) (err error) {
	var side error // of an RGB8 frame; other frames have their size in the image
	declared := ""
	for i := range headers {
		h := &headers[i]
		var wrong error
		switch {
		case strings.EqualFold(h.Key, schemas.HeaderContentType):
			f.ContentType = contentType(h.Value)
		case alsoContentType(h.Key):
			declared = contentType(h.Value)
		case strings.EqualFold(h.Key, schemas.HeaderLabel):
			f.Truth, wrong = label(h.Value)
		case strings.EqualFold(h.Key, schemas.HeaderSequence):
			f.Sequence, wrong = number(h, 1<<63-1, f.Sequence)
		case strings.EqualFold(h.Key, schemas.HeaderOrigin):
			f.Origin = text(h.Value, maxOriginBytes)
		case strings.EqualFold(h.Key, schemas.HeaderForm):
			f.Form, wrong = form(h.Value)
		case strings.EqualFold(h.Key, schemas.HeaderWidth):
			side = readSide(&f.Width, h, side)
		case strings.EqualFold(h.Key, schemas.HeaderHeight):
			side = readSide(&f.Height, h, side)
		}
		if wrong != nil && err == nil {
			err = wrong
		}
	}
	if f.ContentType == "" {
		f.ContentType = declared
	}
	if f.ContentType != schemas.RGB8 {
		f.Width, f.Height = 0, 0
		return err
	}
	if err == nil {
		err = side
	}
	return err
}

// form reads what a device says of the image that it sends.
func form(b []byte) (string, error) {
	if string(b) != schemas.FormInput {
		return "", fmt.Errorf("%s header %.100q: must be %s or absent: the device is newer than this server", schemas.HeaderForm, b, schemas.FormInput)
	}
	return schemas.FormInput, nil
}

func label(b []byte) (string, error) {
	if len(b) > maxLabelBytes {
		return "", fmt.Errorf("label header of %d bytes exceeds the limit of %d", len(b), maxLabelBytes)
	}
	return text(b, maxLabelBytes), nil
}

// readSide reads a side in pixels. It returns the error before it, if there is one.
func readSide(side *int32, h *kafka.Header, before error) error {
	n, err := number(h, maxSide, 0)
	*side = int32(n)
	if before != nil {
		return before
	}
	return err
}

// number reads a header that holds a decimal number from 0 to limit; with an error it returns otherwise.
func number(h *kafka.Header, limit, otherwise int64) (int64, error) {
	n, err := strconv.ParseInt(string(h.Value), 10, 64)
	if err != nil || n < 0 || n > limit {
		return otherwise, fmt.Errorf("%s header %q is not a number from 0 to %d", text([]byte(h.Key), 32), text(h.Value, 32), limit)
	}
	return n, nil
}

// text returns the first limit bytes of b as valid UTF-8.
func text(b []byte, limit int) string {
	return strings.ToValidUTF8(string(b[:min(len(b), limit)]), "\uFFFD")
}

// cut returns how much of b to keep: at most limit bytes, whole characters where it is text.
func cut(b []byte, limit int) int {
	if len(b) <= limit {
		return len(b)
	}
	for n := limit; n > limit-utf8.UTFMax; n-- {
		if utf8.RuneStart(b[n]) {
			return n
		}
	}
	return limit
}

func recordTime(t, now time.Time) time.Time {
	ms := t.UnixMilli()
	if ms < 0 || t.Year() > 9999 {
		ms = now.UnixMilli()
	}
	return time.UnixMilli(ms).UTC()
}
