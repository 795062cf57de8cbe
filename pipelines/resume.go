package pipelines

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/schemas"
)

// start is what a job begins with.
type start struct {
	known
	deaths  deaths
	streams map[string][]byte // what each stream knows
	spans   []kafkaio.Span

	lost     map[int32]schemas.Offsets // deleted by retention while nobody was running
	unwanted map[int32]schemas.Offsets // before the place where --offset lets a first run begin
}

// begin finds out what is left to read of a part of the topic, and what earlier jobs left behind.
func (j job) begin(ctx context.Context, part part) (s start, err error) {
	s.lost, s.unwanted = map[int32]schemas.Offsets{}, map[int32]schemas.Offsets{}
	if s.known, err = j.survey(ctx); err != nil {
		return s, err
	}
	if j.runner.credit { // what is kept here is of use in this process only
		if s.deaths, err = j.autopsy(s.known); err != nil {
			return s, err
		}
		if !j.Share {
			if s.streams, err = j.recall(s.known); err != nil {
				return s, err
			}
		}
	}
	partitions, err := kafkaio.Describe(ctx, j.Cluster, j.Topic)
	if err != nil {
		return s, err
	}
	if a := part.assigned; a != nil {
		partitions = slices.DeleteFunc(partitions, func(p kafkaio.Partition) bool { return !slices.Contains(a.Partitions, p.ID) })
	}
	committed, err := kafkaio.CommittedOffsets(ctx, j.Cluster, j.Group, j.Topic)
	if err != nil {
		return s, err
	}
	for _, p := range partitions {
		if rows := s.rows[p.ID]; rows.End() > p.End+p.Open {
			return s, fmt.Errorf("topic %s, partition %d ends at offset %d, but --out has outcomes up to %d: the topic was made anew; choose another --out",
				j.Topic, p.ID, p.End+p.Open, rows.End()-1)
		}
		if p.Open > 0 && j.UntilEnd {
			slog.Warn("an open transaction holds back the end of a partition: the run ends before it",
				"topic", j.Topic, "partition", p.ID, "end", p.End, "offsets behind it", p.Open)
		}
		if err := j.settle(&s, p, committed, part); err != nil {
			return s, err
		}
		span := j.span(p, s, part)
		slog.Debug("resume", "topic", j.Topic, "partition", p.ID, "from", span.From, "done", span.Done.Count())
		s.spans = append(s.spans, span)
	}
	return s, nil
}

// settle finds out which offsets of a partition are not there to be read: below the place where its first run
// begins, and those that retention deleted while nobody was running.
func (j job) settle(s *start, p kafkaio.Partition, committed map[int32]int64, part part) error {
	done, begun := s.done[p.ID]
	at, known := committed[p.ID]
	if begun {
		s.miss(s.lost, p.ID, done.Missing(0, p.First))
		return nil
	}
	if known && at < p.First {
		var lost schemas.Offsets
		lost.Add(at, p.First)
		s.miss(s.lost, p.ID, lost)
	}
	from, err := begin(p, j.Offset)
	if err != nil {
		return err
	}
	if j.Offset == "newest" { // what came since a first run, or into a partition made since, is not old
		if known {
			from = max(at, p.First)
		} else if part.grown {
			from = p.First
		}
	}
	s.miss(s.unwanted, p.ID, s.done[p.ID].Missing(0, from))
	return nil
}

// miss puts offsets that will have no row into a set of them, and counts them as done.
func (s *start) miss(set map[int32]schemas.Offsets, partition int32, o schemas.Offsets) {
	if o.Count() == 0 {
		return
	}
	set[partition] = o
	all := s.done[partition]
	all.Union(o)
	s.done[partition] = all
}

// span says what to read of a partition. The files are the truth: what has a row is not read again, whatever the
// group has committed.
func (j job) span(p kafkaio.Partition, s start, part part) kafkaio.Span {
	done := s.done[p.ID]
	span := kafkaio.Span{Partition: p.ID, From: done.Next(p.First), To: kafkaio.Unbounded, Done: done, SetAside: s.deaths.setAside(p.ID)}
	if end, fixed := part.ends[p.ID]; j.UntilEnd && fixed {
		span.To = max(end, span.From)
	} else if j.UntilEnd {
		span.To = max(p.End, span.From)
	}
	return span
}

// begin says where a partition begins that nobody has read yet.
func begin(p kafkaio.Partition, offset string) (int64, error) {
	switch offset {
	case "", "oldest":
		return p.First, nil
	case "newest":
		return p.End, nil
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("--offset %q: must be oldest, newest or a number", offset)
	}
	return max(n, p.First), nil
}
