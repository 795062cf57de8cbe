// Package report summarises a run from its outcomes alone: the Parquet files that [Read] finds in
//
//	DIR/outcomes/                    the run itself
//	DIR/replay/cachenet/outcomes/    the same frames replayed at full speed, if they were
//	DIR/replay/full_only/outcomes/   … with the full model on every frame
//	DIR/replay/small_only/outcomes/  … with the small model on every frame
package report

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// Summary holds the figures of a run, and of its baselines where the same frames were replayed. A figure that the data
// does not hold is nil, and absent from the JSON.
type Summary struct {
	Measures
	Stages            []StageTime `json:"stages,omitempty"` // where the time went, if the jobs that wrote the rows recorded it
	Lost              []Lost      `json:"lost,omitempty"`   // frames that retention deleted before they were read
	Replay            *Measures   `json:"replay,omitempty"` // the same frames through the same models at full speed
	Baselines         *Baselines  `json:"baselines,omitempty"`
	SpeedupVsFullOnly *float64    `json:"speedup_vs_full_only,omitempty"` // frames/s of the replay over those of the full model
	ModelTimeSpeedup  *float64    `json:"model_time_speedup,omitempty"`   // model time per frame of the full model over the replay's
}

// Lost is a range of a partition whose frames were never read: [From, To).
type Lost struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
}

// Frames is how many were lost.
func (l Lost) Frames() int64 { return l.To - l.From }

// Last is the last offset of the range.
func (l Lost) Last() int64 { return l.To - 1 }

// Baselines are the frames of a run answered without a cache.
type Baselines struct {
	FullOnly  *Measures `json:"full_only,omitempty"`
	SmallOnly *Measures `json:"small_only,omitempty"`
}

// Read summarises the data set at dir and the replays in it. A folder without outcomes is an error, as is a
// damaged file.
func Read(ctx context.Context, dir string) (Summary, error) {
	return ReadEach(ctx, dir, func(*schemas.Outcome, string) {})
}

// ReadEach is Read, and calls each with every row of the run on the way: full is the full model's answer to the same
// frame, where the frames were replayed with it. The row is each's only during the call.
func ReadEach(ctx context.Context, dir string, each func(row *schemas.Outcome, full string)) (Summary, error) {
	var s Summary
	replay := func(name string) string { return filepath.Join(dir, "replay", name) }
	full, fullAnswers, err := measureReplay(ctx, replay("full_only"), nil)
	if err != nil {
		return s, err
	}
	small, _, err := measureReplay(ctx, replay("small_only"), fullAnswers)
	if err != nil {
		return s, err
	}
	if s.Replay, _, err = measureReplay(ctx, replay("cachenet"), fullAnswers); err != nil {
		return s, err
	}
	if s.Measures, _, err = measure(watched(parquetio.Rows(ctx, dir), fullAnswers, each), fullAnswers); err != nil {
		return s, err
	}
	if s.Frames == 0 {
		return s, fmt.Errorf("%s: no outcomes found: name the folder that a run wrote to", dir)
	}
	if s.Lost, err = lost(dir); err != nil {
		return s, err
	}
	stages, err := parquetio.ReadStages(dir)
	if err != nil {
		return s, err
	}
	s.Stages = Spread(stages, s.Frames, s.nets[0], s.nets[1], s.nets[2])
	if full != nil || small != nil {
		s.Baselines = &Baselines{FullOnly: full, SmallOnly: small}
	}
	if s.Replay != nil {
		s.SpeedupVsFullOnly, s.ModelTimeSpeedup = s.speedup(s.Replay), s.modelSpeedup(s.Replay)
	}
	return s, nil
}

// watched shows each row that passes, with the full model's answer to its frame.
func watched(rows iter.Seq2[schemas.Outcome, error], full *answers, each func(*schemas.Outcome, string)) iter.Seq2[schemas.Outcome, error] {
	return func(yield func(schemas.Outcome, error) bool) {
		for row, err := range rows {
			if err == nil {
				answer, _ := full.get(&row)
				each(&row, answer)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// lost lists the ranges in order.
func lost(dir string) ([]Lost, error) {
	gaps, err := parquetio.ReadGaps(dir)
	if err != nil {
		return nil, err
	}
	var all []Lost
	for _, topic := range slices.Sorted(maps.Keys(gaps.Lost)) {
		for _, partition := range slices.Sorted(maps.Keys(gaps.Lost[topic])) {
			for from, to := range gaps.Lost[topic][partition].All() {
				all = append(all, Lost{Topic: topic, Partition: partition, From: from, To: to})
			}
		}
	}
	return all, nil
}

// measureReplay returns nil for a replay that was not run. Its latency is left out: it would be the age of the recording.
func measureReplay(ctx context.Context, dir string, full *answers) (*Measures, *answers, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	m, own, err := measure(parquetio.Rows(ctx, dir), full)
	if err != nil || m.Frames == 0 {
		return nil, nil, err
	}
	m.Latency = nil
	return &m, own, nil
}

func (s Summary) full() *Measures {
	if s.Baselines == nil {
		return nil
	}
	return s.Baselines.FullOnly
}

func (s Summary) small() *Measures {
	if s.Baselines == nil {
		return nil
	}
	return s.Baselines.SmallOnly
}

// speedup compares frames per second with the full model's.
func (s Summary) speedup(m *Measures) *float64 {
	if s.full() == nil {
		return nil
	}
	return ratio(m.FramesPerSecond, s.full().FramesPerSecond)
}

// modelSpeedup compares model time per frame with the full model's.
func (s Summary) modelSpeedup(m *Measures) *float64 {
	if s.full() == nil {
		return nil
	}
	return ratio(s.full().ModelUsPerFrame, m.ModelUsPerFrame)
}

// ratio is a over b, nil where one is unknown or b is 0.
func ratio(a, b *float64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	return new(*a / *b)
}
