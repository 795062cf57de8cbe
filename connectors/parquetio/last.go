package parquetio

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// Found is what the finished files of a data set hold.
type Found struct {
	dir     string
	folders ledger
}

// Offsets returns which offsets have an outcome.
func (f Found) Offsets() Durable {
	all := Durable{}
	for _, entry := range f.folders {
		all.union(entry.Offsets)
	}
	return all
}

// Last returns, by partition of a topic, the row with the highest offset. Of a row only Stream, Topic, Partition, Offset,
// EventTime and FrameBytes are read. A partition whose row was moved away meanwhile is left out.
func (f Found) Last(ctx context.Context, topic string) (map[int32]schemas.Outcome, error) {
	type place struct {
		folder string
		offset int64
	}
	last := map[int32]place{}
	for folder, entry := range f.folders {
		for partition, offsets := range entry.Offsets[topic] {
			if at := offsets.End() - 1; offsets.Count() > 0 && at >= last[partition].offset {
				last[partition] = place{folder, at}
			}
		}
	}
	wanted := map[string]map[int32]int64{}
	for partition, p := range last {
		if wanted[p.folder] == nil {
			wanted[p.folder] = map[int32]int64{}
		}
		wanted[p.folder][partition] = p.offset
	}
	rows := map[int32]schemas.Outcome{}
	for folder, offsets := range wanted {
		if err := f.lastIn(ctx, folder, topic, offsets, rows); err != nil {
			return nil, fmt.Errorf("recover %s: %w", f.dir, err)
		}
	}
	return rows, nil
}

// lastIn finds the rows at offsets, by partition, in the files of a folder. The newest files come first: they mostly hold them.
func (f Found) lastIn(ctx context.Context, folder, topic string, offsets map[int32]int64, rows map[int32]schemas.Outcome) error {
	path := filepath.Join(outcomesFolder(f.dir), folder)
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range slices.Backward(entries) {
		if len(offsets) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !isData(entry.Name()) {
			continue
		}
		err := takeRows(filepath.Join(path, entry.Name()), topic, offsets, rows)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// witness is what a row tells of its record.
type witness struct {
	Stream     string    `parquet:"stream,dict"`
	Topic      string    `parquet:"topic,dict"`
	Partition  int32     `parquet:"partition"`
	Offset     int64     `parquet:"offset,delta"`
	EventTime  time.Time `parquet:"event_time,timestamp(microsecond)"`
	FrameBytes int32     `parquet:"frame_bytes"`
}

// takeRows moves the rows at offsets that a file holds from offsets to rows.
func takeRows(path, topic string, offsets map[int32]int64, rows map[int32]schemas.Outcome) error {
	held, err := footer(path)
	if err != nil {
		return err
	}
	holds := false
	for partition, offset := range offsets {
		in := held[topic][partition]
		holds = holds || in.Contains(offset)
	}
	if !holds {
		return nil
	}
	for row, err := range fileRows[witness](path) {
		if err != nil {
			return err
		}
		if at, wanted := offsets[row.Partition]; wanted && row.Topic == topic && row.Offset == at {
			rows[row.Partition] = schemas.Outcome{Stream: row.Stream, Topic: topic, Partition: row.Partition, Offset: at, EventTime: row.EventTime.UTC(), FrameBytes: row.FrameBytes}
			delete(offsets, row.Partition)
		}
	}
	return nil
}
