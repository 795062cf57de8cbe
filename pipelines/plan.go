package pipelines

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// scope is what of the topic a job may read; the zero value is all of it.
type scope struct {
	assigned *kafkaio.Assignment // by the group; nil: every partition
	later    bool                // not the first job of the run: a partition without rows and commits is new
	ends     map[int32]int64     // where UntilEnd ends; a partition that is not in it came later and is not read
}

// work is what one job is to do.
type work struct {
	partitions []kafkaio.Partition // all of the topic
	spans      []kafkaio.Span
	done       map[int32]schemas.Offsets // offsets that have a row or will never have one
	lost       map[int32]schemas.Offsets // deleted by retention while no run was active
	unwanted   map[int32]schemas.Offsets // before the place where --offset lets a first run begin
	suspects   []transforms.Place        // frames that processes may have crashed on
	streams    map[string][]byte         // state of each stream
}

// empty reports whether every offset of every span has a row or will never have one.
func (w work) empty() bool {
	return !slices.ContainsFunc(w.spans, func(s kafkaio.Span) bool { return s.From < s.To })
}

// planWork decides what is left to read of the scope.
func planWork(f inventory, o Options, s scope) (work, error) {
	w := work{partitions: f.partitions, done: maps.Clone(f.done), lost: map[int32]schemas.Offsets{}, unwanted: map[int32]schemas.Offsets{},
		suspects: f.deaths.suspects(), streams: f.streams}
	for _, p := range f.partitions {
		if s.assigned != nil && !slices.Contains(s.assigned.Partitions, p.ID) {
			continue
		}
		if rows := f.rows[p.ID]; rows.End() > p.End+p.Open {
			return w, fmt.Errorf("topic %s, partition %d ends at offset %d, but --out has outcomes up to %d: the topic was deleted and created again; choose another --out",
				o.Topic, p.ID, p.End+p.Open, rows.End()-1)
		}
		if p.Open > 0 && o.UntilEnd {
			slog.Warn("an open transaction limits the readable end of a partition: the run ends before it",
				"topic", o.Topic, "partition", p.ID, "end", p.End, "offsets behind it", p.Open)
		}
		if o.Only != nil {
			w.confine(o.Only[p.ID], p)
		} else {
			w.exclude(f, o, p, s.later)
		}
		w.spans = append(w.spans, w.span(f, p, o.UntilEnd, s))
	}
	return w, nil
}

// exclude finds the offsets of a partition that will never have a row: those below the place where its first run
// begins, and those that retention deleted while no run was active.
func (w *work) exclude(f inventory, o Options, p kafkaio.Partition, later bool) {
	all, begun := f.done[p.ID]
	at, committed := f.committed[p.ID]
	if begun {
		w.miss(w.lost, p.ID, all.Missing(0, p.First))
		return
	}
	if committed && at < p.First {
		w.miss(w.lost, p.ID, offsetsFrom(at, p.First))
	}
	from := firstOffset(p, o.Offset)
	if o.Offset == newest { // what came since a first run, or into a partition that was added since, is not old
		if committed {
			from = max(at, p.First)
		} else if later {
			from = p.First
		}
	}
	all = w.done[p.ID]
	w.miss(w.unwanted, p.ID, all.Missing(0, from))
}

// confine limits a partition to the wanted offsets.
func (w *work) confine(only schemas.Offsets, p kafkaio.Partition) {
	w.miss(w.unwanted, p.ID, only.Missing(0, p.End))
}

// miss adds offsets that will have no row to a set, and counts them as done.
func (w *work) miss(set map[int32]schemas.Offsets, partition int32, o schemas.Offsets) {
	if o.Count() > 0 {
		set[partition] = o
		all := offsetsFrom(0, 0)
		all.Union(w.done[partition])
		all.Union(o)
		w.done[partition] = all
	}
}

// span says what to read of a partition. The files are the truth: what has a row is not read again, whatever the
// group has committed.
func (w *work) span(f inventory, p kafkaio.Partition, untilEnd bool, s scope) kafkaio.Span {
	all := w.done[p.ID]
	span := kafkaio.Span{Partition: p.ID, From: all.Next(p.First), To: kafkaio.Unbounded, Done: all, Quarantined: f.deaths.quarantined(p.ID)}
	if untilEnd {
		span.To = max(s.ends[p.ID], span.From)
	}
	return span
}

// firstOffset is where a partition begins that has not been read yet; offset has been checked.
func firstOffset(p kafkaio.Partition, offset string) int64 {
	switch offset {
	case "", oldest:
		return p.First
	case newest:
		return p.End
	}
	n, _ := strconv.ParseInt(offset, 10, 64) // see checkOffset
	if n > p.End {
		slog.Warn("--offset is beyond the end of a partition: reading starts at its end", "partition", p.ID, "offset", n, "end", p.End)
	}
	return min(max(n, p.First), p.End)
}

// offsetsFrom returns the offsets of [from, to).
func offsetsFrom(from, to int64) (o schemas.Offsets) {
	o.Add(from, to)
	return o
}
