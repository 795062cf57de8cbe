package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/cachenet/cachenet/connectors/frames"
	"github.com/cachenet/cachenet/models/evaluation"
)

// splitFolder returns the folder of a data set's split; a folder without splits is one itself.
func splitFolder(dir string, splits ...string) string {
	for _, s := range splits {
		if info, err := os.Stat(filepath.Join(dir, s)); err == nil && info.IsDir() {
			return filepath.Join(dir, s)
		}
	}
	return dir
}

// heldOut lists what no net was trained on: the val folder, else the images of train that training named.
func heldOut(dir string, nets *evaluation.Nets) ([]evaluation.Sequence, error) {
	folder := splitFolder(dir, "val", "train")
	all, err := listSequences(folder)
	if err != nil || filepath.Base(folder) != "train" || folder == dir {
		return all, err
	}
	if len(nets.HeldOut) == 0 {
		return nil, fmt.Errorf("read held-out images: %s has no val folder and training held out none: train again", dir)
	}
	kept := map[string]bool{}
	for _, f := range nets.HeldOut {
		kept[filepath.Join(dir, filepath.FromSlash(f))] = true
	}
	var out []evaluation.Sequence
	for _, s := range all {
		s.Files = slices.DeleteFunc(s.Files, func(f string) bool { return !kept[filepath.Clean(f)] })
		if len(s.Files) > 0 {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("read held-out images: %s has none of the images that training held out: name the data folder used for training", dir)
	}
	return out, nil
}

// labelsFile is what cachenet_train label leaves in an image folder.
const labelsFile = "labelled-by.json"

// labelledBy reports whether the classes of a data set are the answers of the full model with that checksum.
func labelledBy(dir, full string) (bool, error) {
	path := filepath.Join(dir, labelsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var by struct{ SHA256 string }
	if err == nil {
		err = json.Unmarshal(b, &by)
	}
	if err != nil {
		return false, fmt.Errorf("read labels: %s: %w", path, err)
	}
	if by.SHA256 != full {
		slog.Warn("the frames were labelled by a model other than the full one: their classes are used as ground truth", "file", path)
	}
	return by.SHA256 == full, nil
}

func listSequences(dir string) ([]evaluation.Sequence, error) {
	listed, err := frames.List(dir)
	var all []evaluation.Sequence
	for _, l := range listed {
		all = append(all, evaluation.Sequence{Class: l.Class, Files: l.Files})
	}
	return all, err
}

// score runs the nets on every frame and shows how far it is.
func score(ctx context.Context, out io.Writer, nets *evaluation.Nets, data []evaluation.Sequence) (*evaluation.Table, error) {
	var done atomic.Int64
	bar := newProgress(out, "score frames")
	for _, s := range data {
		bar.total += int64(len(s.Files))
	}
	bar.start(done.Load)
	defer bar.stop()
	return evaluation.Score(ctx, nets, data, &done)
}
