package parquetio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/cachenet/cachenet/schemas"
)

// Keys of a file's own metadata.
const (
	keyOffsets = "cachenet.offsets" // JSON of Durable: what the file holds
	keyVersion = "cachenet.version" // of the program that wrote it
	keyPack    = "cachenet.pack"    // name@version of the models
	keyJob     = "cachenet.job"     // id of the job, one of several that may write into the data set
)

const rowsPerGroup = 100_000

// zstdFastest is shared, as it keeps its encoders for the next page.
var zstdFastest = &zstd.Codec{Level: zstd.SpeedFastest}

// building is a Parquet file under construction. It is kept in memory, compressed, until it is whole: a write
// to disk that goes wrong can then be tried again, and no reader ever meets half a file.
type building struct {
	cfg     WriteConfig
	hour    int64 // of every row in it
	opened  time.Time
	buffer  bytes.Buffer
	rows    *parquet.GenericWriter[schemas.Outcome]
	offsets Durable
	tally   Tally
}

// finished is a whole file to be written to disk.
type finished struct {
	cfg     WriteConfig
	hour    int64
	path    string // under outcomes/
	data    []byte
	offsets Durable
	tally   Tally
}

func build(hour int64, cfg WriteConfig) *building {
	b := &building{cfg: cfg, hour: hour, opened: time.Now(), offsets: Durable{}}
	b.rows = parquet.NewGenericWriter[schemas.Outcome](&b.buffer,
		parquet.Compression(zstdFastest),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.KeyValueMetadata(keyVersion, cfg.Version),
		parquet.KeyValueMetadata(keyPack, cfg.Pack),
		parquet.KeyValueMetadata(keyJob, cfg.Job))
	return b
}

// add takes the rows, which it does not keep.
func (b *building) add(rows []schemas.Outcome) error {
	if _, err := b.rows.Write(rows); err != nil {
		return fmt.Errorf("encode outcomes: %w", err)
	}
	for i := range rows {
		b.offsets.add(rows[i].Topic, rows[i].Partition, rows[i].Offset)
		b.tally.add(&rows[i])
	}
	return nil
}

// size estimates the bytes of the file so far; rows not yet compressed count in full.
func (b *building) size() int64 { return b.rows.Size() }

// finish writes the footer; name is the file's name without folder.
func (b *building) finish(name string) (finished, error) {
	held, err := json.Marshal(b.offsets)
	if err != nil {
		return finished{}, fmt.Errorf("encode the offsets of %s: %w", name, err)
	}
	b.rows.SetKeyValueMetadata(keyOffsets, string(held))
	if err := b.rows.Close(); err != nil {
		return finished{}, fmt.Errorf("encode outcomes: %w", err)
	}
	return finished{cfg: b.cfg, hour: b.hour, path: path.Join(folderOf(b.hour), name), data: b.buffer.Bytes(), offsets: b.offsets, tally: b.tally}, nil
}

// Event times that Parquet readers agree on; pandas and parquet-go count nanoseconds in 64 bits.
var (
	firstTime = time.Unix(0, 0).UTC()
	lastTime  = time.Date(2261, 12, 31, 23, 59, 59, 0, time.UTC)
)

// readable returns the event time nearest to t that every reader can show.
func readable(t time.Time) time.Time {
	switch {
	case t.Before(firstTime):
		return firstTime
	case t.After(lastTime):
		return lastTime
	}
	return t
}

// hourOf returns the hour of an event time, counted from 1970 in UTC.
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// folderOf names the folder of an hour.
func folderOf(hour int64) string {
	return time.Unix(hour*3600, 0).UTC().Format("dt=2006-01-02/hour=15")
}
