package pipelines

import (
	"context"
	"log/slog"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// known is what the data set tells of one topic before a job starts.
type known struct {
	rows map[int32]schemas.Offsets // offsets with a durable row
	done map[int32]schemas.Offsets // … and those that will never have one
}

// survey reads the data set. It goes through the files before anybody asks Kafka: a record cannot be newer than
// its outcome.
func (j job) survey(ctx context.Context) (known, error) {
	rows, err := parquetio.Recover(ctx, j.Out)
	if err != nil {
		return known{}, err
	}
	gaps, err := parquetio.ReadGaps(j.Out)
	if err != nil {
		return known{}, err
	}
	k := known{rows: rows[j.Topic], done: map[int32]schemas.Offsets{}}
	for _, held := range []parquetio.Durable{rows, gaps.Lost, gaps.Empty, gaps.Unwanted} {
		for partition, offsets := range held[j.Topic] {
			all := k.done[partition]
			all.Union(offsets)
			k.done[partition] = all
		}
	}
	return k, nil
}

// tellGaps says which frames are lost, and notes beside the data set what will have no row.
func (j job) tellGaps(s start, gaps *parquetio.GapLog) error {
	for partition, offsets := range s.lost {
		for from, to := range offsets.All() {
			slog.Warn("frames lost: retention deleted them before they were read",
				"topic", j.Topic, "partition", partition, "from", from, "to", to, "offsets", to-from)
		}
	}
	return gaps.Note(parquetio.Gaps{Lost: parquetio.Durable{j.Topic: s.lost}, Unwanted: parquetio.Durable{j.Topic: s.unwanted}})
}
