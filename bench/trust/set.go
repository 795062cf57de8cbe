package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cachenet/cachenet/connectors/frames"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/schemas"
)

// set is a pack and frames for it.
type set struct {
	name, pack, frames string
	streams            bool // frames are those of streams

	opened   *models.Pack
	recorded *evaluation.Recording // of streams
}

// stillMark is in the name of streams on which only repeated answers are measured: they show too few objects for the rest.
const stillMark = "still"

func (s *set) stillOnly() bool { return strings.Contains(s.name, stillMark) }

// absent says what of the set is not there.
func (s *set) absent() string {
	if strings.HasSuffix(s.pack, ".gz") {
		return ""
	}
	if _, err := os.Stat(filepath.Join(s.pack, models.ManifestFile)); err != nil {
		return "its pack was not built"
	}
	if !isFolder(s.frames) {
		return "its frames were not fetched"
	}
	return ""
}

// table has the nets' answers about the frames.
func (s *set) table(ctx context.Context) (t *evaluation.Table, err error) {
	if strings.HasSuffix(s.pack, ".gz") {
		t, s.opened, err = readFacts(s.pack)
		return t, err
	}
	if s.opened, err = models.OpenPack(s.pack); err != nil {
		return nil, err
	}
	if s.streams {
		if err := s.record(ctx); err != nil {
			return nil, err
		}
		return s.recorded.Table(), nil
	}
	card, err := evaluation.ReadCard(s.opened)
	if err != nil {
		return nil, err
	}
	nets, err := evaluation.NetsFor(s.opened, card, nil)
	if err != nil {
		return nil, err
	}
	listed, err := frames.List(testPart(s.frames))
	if err != nil {
		return nil, err
	}
	var all []evaluation.Sequence
	for _, l := range listed {
		all = append(all, evaluation.Sequence{Class: l.Class, Files: l.Files})
	}
	return evaluation.Score(ctx, nets, all, new(atomic.Int64))
}

// record runs the nets over the streams, or reads what they said the last time.
func (s *set) record(ctx context.Context) error {
	kept := filepath.Join(s.frames, "answers-of-"+s.opened.ID()+".gob")
	f, err := os.Open(kept)
	if err == nil {
		defer func() { _ = f.Close() }() // it was only read
		s.recorded, err = evaluation.LoadRecording(f, s.opened)
		return err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if s.recorded, err = evaluation.Record(ctx, s.opened, s.all(), new(atomic.Int64)); err != nil {
		return err
	}
	out, err := os.Create(kept)
	if err != nil {
		return err
	}
	return errors.Join(s.recorded.Save(out, s.opened), out.Close())
}

// all yields the frames of the streams, of each stream in order, 100 ms apart. A class that the folder of a stream names is
// their truth.
func (s *set) all() iter.Seq2[schemas.Frame, error] {
	return func(yield func(schemas.Frame, error) bool) {
		var files []string
		err := filepath.WalkDir(s.frames, func(path string, e fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".jpg" {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			yield(schemas.Frame{}, err)
			return
		}
		slices.Sort(files)
		next := map[string]int64{}
		for _, path := range files {
			b, err := os.ReadFile(path)
			stream := s.streamOf(path)
			f := schemas.Frame{Stream: stream, Offset: next[stream], Image: b, ContentType: http.DetectContentType(b), EventTime: time.UnixMilli(100 * next[stream]), Truth: truth(path)}
			next[stream]++
			if err != nil {
				err = fmt.Errorf("read frame: %w", err)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// streamOf is the folder of a frame without the part of the recording.
func (s *set) streamOf(path string) string {
	rel, err := filepath.Rel(s.frames, filepath.Dir(path))
	if err != nil {
		return filepath.Dir(path)
	}
	_, stream, _ := strings.Cut(filepath.ToSlash(rel), "/")
	return stream
}

// truth is the class in the name of a file <sequence>_<frame>@<class>.jpg, empty where there is none.
func truth(path string) string {
	_, class, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".jpg"), "@")
	return class
}
