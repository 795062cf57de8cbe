package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/bench/recording"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// truth is what the answers are judged by.
type truth struct {
	streams int
	index   map[string]int // of classes
	class   []int          // of each frame, by sequence × streams + stream
	full    []int          // what the full model says of it
	bytes   int            // mean size of a frame
}

func (t *truth) at(stream, sequence int) int { return sequence*t.streams + stream }

// readTruth reads the classes and, where they are wanted, the full model's answers, which are stored with the recording.
func readTruth(rec *recording.Recording, path, packDir string, full bool) (*truth, error) {
	pack, err := models.OpenPack(packDir)
	if err != nil {
		return nil, err
	}
	t := &truth{streams: rec.Streams, index: map[string]int{}, class: make([]int, rec.Streams*rec.Frames), full: make([]int, rec.Streams*rec.Frames)}
	for i, c := range rec.Classes {
		t.index[c] = i
	}
	for f := range rec.All(rec.Frames) {
		t.class[t.at(f.Stream, f.Sequence)] = f.Class
		t.bytes += len(f.Image)
	}
	t.bytes /= len(t.class)
	if !full {
		return t, nil
	}
	kept := path + "." + pack.Full.SHA256[:8] + ".full"
	answers, err := recording.ReadAnswers(kept)
	if errors.Is(err, fs.ErrNotExist) {
		if answers, err = askFull(rec, pack); err == nil {
			err = recording.WriteAnswers(kept, answers)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		t.full[t.at(a.Stream, a.Sequence)] = a.Class
	}
	return t, nil
}

func askFull(rec *recording.Recording, pack *models.Pack) (all []recording.Answer, err error) {
	net, err := pack.Load(pack.Full)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(2)
	for f := range rec.All(rec.Frames) {
		g.Go(func() error {
			var seen models.Picture
			seen.Show(&schemas.Frame{ContentType: schemas.JPEG, Image: f.Image})
			pixels, err := seen.Pixels(pack.InputOf(pack.Full).View)
			if err != nil {
				return err
			}
			logits, err := net.Run(pixels, 1)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, recording.Answer{Stream: f.Stream, Sequence: f.Sequence, Class: policy.Largest(logits)})
			return nil
		})
	}
	err = g.Wait() // before all is read
	return all, err
}

// fullRight is the accuracy of the full model, 0 … 1.
func (t *truth) fullRight() float64 {
	right := 0
	for i, c := range t.class {
		right += one(t.full[i] == c)
	}
	return float64(right) / float64(len(t.class))
}

// verdict is how good a contender's answers are.
type verdict struct {
	Rows       int     `json:"rows"`
	Missing    int     `json:"missing"`    // frames without a row
	Twice      int     `json:"twice"`      // rows beyond the first of a frame
	Unanswered int     `json:"unanswered"` // rows without a class
	Accuracy   float64 `json:"accuracy"`   // 0 … 1, of frames answered
	Agreement  float64 `json:"agreement"`  // 0 … 1, with the full model
	HitRate    float64 `json:"hit_rate"`   // 0 … 1
}

// whole reports whether each frame has its row and its answer.
func (v verdict) whole() bool { return v.Missing == 0 && v.Twice == 0 && v.Unanswered == 0 }

// judge compares answers with the truth about the first perStream frames of each stream.
func (t *truth) judge(answers []recording.Answer, perStream int) verdict {
	v := verdict{Rows: len(answers)}
	seen := make([]bool, perStream*t.streams)
	var right, agree, hits int
	for _, a := range answers {
		at := t.at(a.Stream, a.Sequence)
		if at < 0 || at >= len(seen) || seen[at] {
			v.Twice++
			continue
		}
		seen[at] = true
		if a.Class < 0 {
			v.Unanswered++
			continue
		}
		right += one(a.Class == t.class[at])
		agree += one(a.Class == t.full[at])
		hits += one(a.Hit)
	}
	answered := max(1, v.Rows-v.Twice-v.Unanswered)
	v.Missing = len(seen) - (v.Rows - v.Twice)
	v.Accuracy, v.Agreement, v.HitRate = float64(right)/float64(answered), float64(agree)/float64(answered), float64(hits)/float64(answered)
	return v
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// answersIn reads what a contender wrote to dir: Parquet rows, or the text of a loop.
func (t *truth) answersIn(ctx context.Context, dir string) ([]recording.Answer, error) {
	answers, err := recording.ReadAnswers(filepath.Join(dir, loopAnswers))
	if !errors.Is(err, os.ErrNotExist) {
		return answers, err
	}
	answers = nil
	for row, err := range parquetio.Rows(ctx, dir) {
		if err != nil {
			return nil, err
		}
		stream, err := strconv.Atoi(strings.TrimPrefix(row.Stream, "stream-"))
		if err != nil {
			return nil, fmt.Errorf("row of stream %q: %w", row.Stream, err)
		}
		a := recording.Answer{Stream: stream, Sequence: int(row.Sequence), Class: -1, Hit: row.Outcome == schemas.Hit}
		if c, known := t.index[row.Label]; known {
			a.Class = c
		}
		answers = append(answers, a)
	}
	return answers, nil
}
