package pipelines

import (
	"context"
	"fmt"
	"slices"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// inventory is what there is of one topic before a job starts. Maps are by partition.
type inventory struct {
	rows map[int32]schemas.Offsets // offsets with a durable row
	last map[int32]schemas.Outcome // the row with the highest of these
	done map[int32]schemas.Offsets // … and those that will never have one

	deaths  deaths            // frames that processes crashed on
	streams map[string][]byte // state of each stream when the last run drained; nil where there is none that fits

	partitions []kafkaio.Partition
	committed  map[int32]int64
}

// survey reads what earlier jobs stored, and then what Kafka holds: in this order, since a record cannot be
// newer than its outcome. It changes nothing.
func survey(ctx context.Context, c config) (inventory, error) {
	f, err := surveyRows(ctx, c)
	if err != nil {
		return f, err
	}
	if c.runner.credit { // what is kept there is of use in this process only
		if f.deaths, err = countDeaths(c.Out, c.Topic, f.done); err != nil {
			return f, err
		}
		if !c.Share {
			if f.streams, err = loadStreams(c.Out, c.Topic, c.nets, c.heirs, f.done); err != nil {
				return f, err
			}
		}
	}
	if f.partitions, err = kafkaio.Describe(ctx, c.Cluster, c.Topic); err != nil {
		return f, err
	}
	if err := recognise(ctx, c, f.last); err != nil {
		return f, err
	}
	if c.Only != nil { // no consumer group is used
		return f, nil
	}
	f.committed, err = kafkaio.CommittedOffsets(ctx, c.Cluster, c.Group, c.Topic)
	return f, err
}

// surveyRows reads the data set.
func surveyRows(ctx context.Context, c config) (f inventory, err error) {
	found, err := parquetio.Find(ctx, c.Out)
	if err != nil {
		return f, err
	}
	if f.last, err = found.Last(ctx, c.Topic); err != nil {
		return f, err
	}
	rows := found.Offsets()
	gaps, err := parquetio.ReadGaps(c.Out)
	if err != nil {
		return f, err
	}
	f.rows, f.done = rows[c.Topic], map[int32]schemas.Offsets{}
	for _, held := range []parquetio.Durable{rows, gaps.Lost, gaps.Empty, gaps.Unwanted} {
		for partition, offsets := range held[c.Topic] {
			addOffsets(f.done, partition, offsets)
		}
	}
	return f, nil
}

// recognise refuses a topic that is not the one that the rows are of: its frames would be skipped where their offsets have rows.
func recognise(ctx context.Context, c config, last map[int32]schemas.Outcome) error {
	marks := map[int32]kafkaio.Mark{}
	for p, row := range last {
		marks[p] = kafkaio.Mark{Offset: row.Offset, Stream: row.Stream, Time: row.EventTime, Bytes: int64(row.FrameBytes)}
	}
	other, err := kafkaio.Replaced(ctx, c.Cluster, c.Topic, marks)
	if len(other) == 0 || err != nil {
		return err
	}
	p := slices.Min(other)
	return fmt.Errorf("topic %s, partition %d has another record at offset %d than the one that --out has an outcome of: the topic was deleted and created again; choose another --out",
		c.Topic, p, marks[p].Offset)
}

// endsOf returns where each partition ends.
func endsOf(partitions []kafkaio.Partition) map[int32]int64 {
	ends := map[int32]int64{}
	for _, p := range partitions {
		ends[p.ID] = p.End
	}
	return ends
}

// addOffsets adds to a set of offsets by partition.
func addOffsets(set map[int32]schemas.Offsets, partition int32, o schemas.Offsets) {
	all := set[partition]
	all.Union(o)
	set[partition] = all
}
