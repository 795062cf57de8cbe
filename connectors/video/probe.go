package video

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"
)

// picture is what a source was found to show.
type picture struct {
	codec         string
	width, height int           // pixels, as decoded
	length        time.Duration // 0: unknown
}

// copyable reports whether frames can be published as they come, without encoding them again.
func (p picture) copyable() bool { return p.codec == "mjpeg" }

var duration = regexp.MustCompile(`Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)`)

// probe looks at a source's first frame, and fails where it cannot be decoded.
func (e *encoder) probe(ctx context.Context) (picture, error) {
	ctx, cancel := context.WithTimeout(ctx, e.stall)
	defer cancel()
	input, stdin := e.input()
	args := append([]string{"-nostdin", "-hide_banner", "-nostats"}, input...)
	args = append(args, "-map", "0:v:0", "-c", "copy", "-frames:v", "1", "-f", "framecrc", "pipe:3",
		"-map", "0:v:0", "-frames:v", "1", "-f", "framecrc", "pipe:4")
	p, err := start(ctx, e.ffmpeg, e.camera, args, stdin, 2)
	if err != nil {
		return picture{}, err
	}
	found := picture{}
	decoded := make(chan header, 1)
	go func() { decoded <- firstHeader(p.pipes[1]) }()
	found.codec = firstHeader(p.pipes[0]).codec
	h := <-decoded
	found.width, found.height = h.width, h.height
	err = p.wait()
	switch {
	case ctx.Err() != nil:
		return picture{}, fmt.Errorf("it sent no picture within %s", e.stall)
	case found.codec != "" && found.width > 0 && found.height > 0:
		found.length = readDuration(p.said.String())
		return found, nil
	case err != nil:
		return picture{}, err
	}
	return picture{}, errors.New("none of its pictures can be decoded")
}

// firstHeader reads an index to its end and returns its header; a zero one where no packet came.
func firstHeader(r io.Reader) header {
	x := &index{lines: bufio.NewReader(r)}
	if _, err := x.next(); err != nil {
		return header{}
	}
	_, _ = io.Copy(io.Discard, x.lines) // an error here is an end
	return x.header
}

func readDuration(said string) time.Duration {
	m := duration.FindStringSubmatch(said)
	if m == nil {
		return 0
	}
	var seconds float64
	for _, part := range m[1:] {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0
		}
		seconds = 60*seconds + n
	}
	return time.Duration(seconds * float64(time.Second))
}
