package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/video"
	"github.com/cachenet/cachenet/schemas"
)

// sequenceLength is the time of a stream whose frames make one sequence of an image folder: short enough that what
// a camera sees is mostly of one class, long enough that held-out sequences are not neighbours of every trained one.
const sequenceLength = time.Second

// imageFolder writes frames as images DIR/<stream>/<sequence>_<frame>.jpg, for training.
type imageFolder struct {
	dir     string
	streams map[string]*recorded
}

// recorded is how far a stream was written.
type recorded struct {
	first  time.Time // record time of its first frame
	frames int
}

// newImageFolder makes dir, which must be new or empty: two recordings must not mix.
func newImageFolder(dir string) (*imageFolder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--into: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("--into %s: already contains files: choose another folder, so that recordings are not mixed", dir)
	}
	return &imageFolder{dir: dir, streams: map[string]*recorded{}}, os.MkdirAll(dir, 0o755)
}

// write is a [video.Sink].
func (f *imageFolder) write(ctx context.Context, batch []schemas.Frame) error {
	for i := range batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.add(&batch[i]); err != nil {
			return fmt.Errorf("write images: %w", err)
		}
	}
	return nil
}

func (f *imageFolder) add(frame *schemas.Frame) error {
	folder := filepath.Join(f.dir, filepath.FromSlash(frame.Stream))
	s := f.streams[frame.Stream]
	if s == nil {
		s = &recorded{first: frame.EventTime}
		f.streams[frame.Stream] = s
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	sequence := int(frame.EventTime.Sub(s.first) / sequenceLength)
	s.frames++
	return os.WriteFile(filepath.Join(folder, fmt.Sprintf("%05d_%07d.jpg", sequence, s.frames)), frame.Image, 0o644)
}

// record writes the cameras' pictures into a folder instead of a topic.
func (f *film) record(c *cobra.Command, p *production, sources []string) error {
	if err := refuse(c, "publishing to a topic", "brokers", "topic", "partitions"); err != nil {
		return err
	}
	cameras, err := f.read(c, p, sources)
	if err != nil {
		return usageError{err}
	}
	playback, err := video.Open(c.Context(), cameras, f.options)
	if err != nil {
		return err
	}
	folder, err := newImageFolder(f.into)
	if err != nil {
		return usageError{err}
	}
	return f.play(c, p, cameras, playback, video.Sink{Publish: func(ctx context.Context, batch []schemas.Frame) error {
		p.sent.Add(int64(len(batch)))
		return folder.write(ctx, batch)
	}})
}
