package video

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

const someIndex = `#software: Lavf59.27.100
#extradata 0:       46, 0x32d00e4d
#tb 0: 1/25
#media_type 0: video
#codec_id 0: mjpeg
#dimensions 0: 320x240
#sar 0: 1/1
0,          0,          5,       40,     8594, 0xa391f449, S=1,        8
0,         30, -9223372036854775808,  40,  12, 0xc71bf80b, S=1, Quality stats, 8, 0x031b0064
0, -9223372036854775808, -9223372036854775808,  40,  0, 0xc71bf80b
`

func TestIndex(t *testing.T) {
	x := &index{lines: bufio.NewReader(strings.NewReader(someIndex))}
	for i, want := range []packet{{200 * time.Millisecond, true, 8594}, {1200 * time.Millisecond, true, 12}, {0, false, 0}} {
		if got, err := x.next(); err != nil || got != want {
			t.Errorf("packet %d: %+v, error %v, want %+v", i, got, err, want)
		}
	}
	if _, err := x.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if want := (header{"mjpeg", 320, 240, 0.04}); x.header != want {
		t.Errorf("header %+v, want %+v", x.header, want)
	}
}

// Whatever the index contains, no packet has an impossible size or time.
func FuzzIndex(f *testing.F) {
	f.Add(someIndex)
	f.Add("#tb 0: 1/0\n0,0,0,0,1,0\n")
	f.Add("#tb 0: 1e300/1e-300\n0,1,1,0,1,0\n")
	f.Add("0,0,0,0,-1,0\n")
	f.Add("0,0,0,0,99999999999,0\n")
	f.Add("#dimensions 0: x\n")
	f.Add("0,1,2")
	f.Fuzz(func(t *testing.T, text string) {
		x := &index{lines: bufio.NewReader(strings.NewReader(text))}
		for {
			p, err := x.next()
			if err != nil {
				return
			}
			if p.size < 0 || p.time.Abs() > maxSeconds*time.Second {
				t.Errorf("packet %+v", p)
			}
		}
	})
}
