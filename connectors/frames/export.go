package frames

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cachenet/cachenet/schemas"
)

// Export says how much of a source becomes an image folder. Different seeds give unrelated sequences:
// training, validation and test data come from one source by three seeds.
type Export struct {
	Sequences int // of each class, at least 1
	Frames    int // of each sequence, at least 1; fewer where the sequence ends before
	Step      int // every Step-th frame is written, at least 1
	Seed      uint64
}

// WriteDataSet writes train, val and test folders under dir for training on a source without end such
// as [Scenes]: many sequences and few frames of each to learn from, whole sequences to calibrate and to test on.
// The bundled pack was trained on what it writes from Scenes(DefaultSize). heldOut is how many sequences of each class val
// gets, at least 1: the more there are, the smaller the safety margin of a pack.
func WriteDataSet(ctx context.Context, source Source, dir string, heldOut int) error {
	for _, part := range []struct {
		name string
		Export
	}{
		{"train", Export{Sequences: 300, Frames: 3, Step: 14, Seed: 1}},
		{"val", Export{Sequences: heldOut, Frames: 30, Step: 1, Seed: 2}},
		{"test", Export{Sequences: 16, Frames: 30, Step: 1, Seed: 3}},
	} {
		if err := part.Write(ctx, source, filepath.Join(dir, part.name)); err != nil {
			return err
		}
	}
	return nil
}

var extensions = map[string]string{schemas.JPEG: ".jpg", schemas.PNG: ".png"}

// Write makes DIR/<class>/<sequence>_<frame>.<ext>, the form that [Images] reads. A folder of a class
// must not exist yet, so that two exports never mix. It ends between two sequences once ctx is done.
func (e Export) Write(ctx context.Context, source Source, dir string) error {
	if e.Sequences < 1 || e.Frames < 1 || e.Step < 1 {
		return fmt.Errorf("export to %s: %d sequences of %d frames, step %d: each must be 1 or more", dir, e.Sequences, e.Frames, e.Step)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("export images: %w: choose a folder that can be written", err)
	}
	seeds := newRand("export", e.Seed)
	for class, name := range source.Classes() {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o755); errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("export class %q: %s exists: remove it or choose another folder", name, folder)
		} else if err != nil {
			return fmt.Errorf("export class %q: %w", name, err)
		}
		for sequence := range e.Sequences {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("export images to %s: not complete: %w", dir, err)
			}
			if err := e.writeSequence(source, folder, class, sequence, seeds.Uint64()); err != nil {
				return fmt.Errorf("export class %q: %w", name, err)
			}
		}
	}
	return nil
}

func (e Export) writeSequence(source Source, folder string, class, sequence int, seed uint64) error {
	frame := -1
	for image, err := range source.Play(class, seed) {
		if err != nil {
			return err
		}
		if frame++; frame%e.Step != 0 {
			continue
		}
		name := fmt.Sprintf("%04d_%03d%s", sequence, frame, extensions[image.ContentType])
		if err := os.WriteFile(filepath.Join(folder, name), image.Bytes, 0o644); err != nil {
			return err
		}
		if frame/e.Step == e.Frames-1 {
			return nil
		}
	}
	return nil
}
