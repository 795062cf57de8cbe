package video

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// header is what ffmpeg's framecrc muxer says of a stream before its first packet.
type header struct {
	codec         string
	width, height int     // pixels
	tick          float64 // seconds a unit of time
}

// packet is one line of framecrc.
type packet struct {
	time  time.Duration // presentation time from the source's beginning
	timed bool          // false: the source gave it no time
	size  int           // bytes
}

// index reads what the framecrc muxer writes: one line a packet, with its time and size. ffmpeg's tee muxer writes
// the packet itself to another pipe. So packets are separated by their sizes, whatever bytes they hold, and times
// come with them, which image2pipe would lose.
type index struct {
	lines  *bufio.Reader
	header header
}

// unset is AV_NOPTS_VALUE.
const unset = math.MinInt64

// next returns the next packet, io.EOF after the last.
func (x *index) next() (packet, error) {
	for {
		line, err := x.lines.ReadString('\n')
		if err == io.EOF && line != "" {
			return packet{}, io.ErrUnexpectedEOF
		}
		if err != nil {
			return packet{}, err
		}
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") {
			return x.packet(line)
		}
		if err := x.header.read(line); err != nil {
			return packet{}, err
		}
	}
}

// packet reads "stream, dts, pts, duration, size, checksum …".
func (x *index) packet(line string) (p packet, err error) {
	fields := strings.Split(line, ",")
	if len(fields) < 6 {
		return p, fmt.Errorf("ffmpeg: %q is not an index line", line)
	}
	var numbers [5]int64
	for i := range numbers {
		if numbers[i], err = strconv.ParseInt(strings.TrimSpace(fields[i]), 10, 64); err != nil {
			return p, fmt.Errorf("ffmpeg: %q is not an index line: %w", line, err)
		}
	}
	at := numbers[2]
	if at == unset {
		at = numbers[1]
	}
	if seconds := float64(at) * x.header.tick; at != unset && math.Abs(seconds) < maxSeconds {
		p.timed, p.time = true, time.Duration(seconds*float64(time.Second))
	}
	if numbers[4] < 0 || numbers[4] > math.MaxInt32 {
		return p, fmt.Errorf("ffmpeg: %q is not an index line", line)
	}
	p.size = int(numbers[4])
	return p, nil
}

// maxSeconds is the largest plausible time of a packet: about 100 years.
const maxSeconds = 3e9

// read takes one "#key 0: value" line.
func (h *header) read(line string) (err error) {
	key, value, ok := strings.Cut(strings.TrimPrefix(line, "#"), ": ")
	if !ok {
		return nil
	}
	switch key {
	case "codec_id 0":
		h.codec = value
	case "dimensions 0":
		_, err = fmt.Sscanf(value, "%dx%d", &h.width, &h.height)
	case "tb 0":
		var a, b float64
		if _, err = fmt.Sscanf(value, "%g/%g", &a, &b); err == nil && (a <= 0 || b <= 0) {
			err = errors.New("no time base")
		}
		h.tick = a / b
	}
	if err != nil {
		return fmt.Errorf("ffmpeg: %q: %w", line, err)
	}
	return nil
}
