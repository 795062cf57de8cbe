// Package recording keeps the frames that every contender of the benchmark answers in one file: rendered once, the same
// bytes for all, read back without a copy.
//
// The file is one line of JSON ([Header]), then the frames in the order in which they are published: four
// little-endian uint32 (stream, sequence, class, length) and the encoded image.
package recording

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"syscall"
)

// Header says what a recording holds.
type Header struct {
	Width   int      `json:"width"`  // pixels
	Height  int      `json:"height"` // pixels
	Streams int      `json:"streams"`
	Frames  int      `json:"frames"` // of each stream
	Active  int      `json:"active"` // classes a stream shows at a time
	Dwell   int      `json:"dwell"`  // frames until others take their place
	Chunk   int      `json:"chunk"`  // frames of one stream that follow one another
	Seed    uint64   `json:"seed"`
	Classes []string `json:"classes"`
	Version int      `json:"version"` // of the generator
}

// Frame is one frame of a stream. Image must not be changed: it is the file itself.
type Frame struct {
	Stream, Sequence, Class int
	Image                   []byte // JPEG
}

const frameHeader = 16 // bytes

// Recording is an open file.
type Recording struct {
	Header
	file   []byte // the whole file, mapped
	frames []byte // of file
}

// Open maps the recording at path.
func Open(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	r := &Recording{file: file}
	line, frames, _ := bytes.Cut(file, []byte("\n"))
	if err := json.Unmarshal(line, &r.Header); err != nil {
		return nil, fmt.Errorf("%s is not a recording: %w: remove it to have it created again", path, err)
	}
	r.frames = frames
	return r, nil
}

// Close gives the file back; frames of it must not be used any more.
func (r *Recording) Close() {
	_ = syscall.Munmap(r.file) // what was only read has nothing to tell
}

// All yields the frames in order, of each stream the first perStream.
func (r *Recording) All(perStream int) iter.Seq[Frame] {
	return func(yield func(Frame) bool) {
		for at := r.frames; len(at) >= frameHeader; {
			word := func(i int) int { return int(binary.LittleEndian.Uint32(at[4*i:])) }
			f := Frame{Stream: word(0), Sequence: word(1), Class: word(2)}
			end := frameHeader + word(3)
			if f.Sequence < perStream {
				f.Image = at[frameHeader:end:end]
				if !yield(f) {
					return
				}
			}
			at = at[end:]
		}
	}
}

// writeFrame appends one frame.
func writeFrame(w io.Writer, f Frame) error {
	var head [frameHeader]byte
	for i, v := range []int{f.Stream, f.Sequence, f.Class, len(f.Image)} {
		binary.LittleEndian.PutUint32(head[4*i:], uint32(v))
	}
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(f.Image)
	return err
}
