package evaluation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// Recording is what the nets of a pack say of the frames of real streams.
type Recording struct {
	table   *Table
	streams [][]int // rows of the table of each stream, in order
	truth   bool    // labels are the producers'; else the full model's answers
	unread  int
}

// Record runs every net of the pack on the frames, which belong to any number of streams; those of one stream come in their
// order. Frames that cannot be read are left out. Where each frame has a true class that the pack knows, answers are held
// against it, else against the full model's. done counts frames.
func Record(ctx context.Context, p *models.Pack, frames iter.Seq2[schemas.Frame, error], done *atomic.Int64) (*Recording, error) {
	nets := packNets(p)
	loaded, closeAll, err := nets.loadAll()
	defer closeAll()
	if err != nil {
		return nil, err
	}
	r := recorder{scorer: scorer{nets: nets, loaded: loaded, done: done}, known: labelOf(nets.Classes), numbers: map[string]int{}, truth: true}
	var batch []shot
	for f, err := range frames {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		if f.Fault != "" {
			r.unread++
			continue
		}
		if batch = append(batch, r.shot(&f)); len(batch) == scoreBatch {
			if err := r.score(batch); err != nil {
				return nil, err
			}
			batch = batch[:0]
		}
	}
	if err := r.score(batch); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// recorder gathers the table of a recording.
type recorder struct {
	scorer
	known   map[string]int
	numbers map[string]int // of the streams
	truth   bool
	unread  int
	parts   []part
}

func (r *recorder) shot(f *schemas.Frame) shot {
	number, seen := r.numbers[f.Stream]
	if !seen {
		number = len(r.numbers)
		r.numbers[f.Stream] = number
	}
	class, ok := r.known[f.Truth]
	r.truth = r.truth && ok
	return shot{frame: f, class: class, sequence: number}
}

func (r *recorder) score(batch []shot) error {
	if len(batch) == 0 {
		return nil
	}
	p, err := r.part(batch)
	if err != nil {
		return err
	}
	r.unread += len(batch) - len(p.kept)
	p.kept = slices.Clone(p.kept)
	for i := range p.kept {
		p.kept[i].frame = nil // its bytes
	}
	r.parts = append(r.parts, p)
	r.done.Add(int64(len(batch)))
	return nil
}

// finish sorts the frames by stream and makes a track of each stretch in which a stream's answer stays the same.
func (r *recorder) finish(ctx context.Context) (*Recording, error) {
	if r.unread > 0 {
		slog.Warn("frames left out: they cannot be read", "frames", r.unread)
	}
	var streamOf []int
	for _, p := range r.parts {
		for _, im := range p.kept {
			streamOf = append(streamOf, im.sequence)
		}
	}
	t, err := r.join(r.parts)
	if err != nil {
		return nil, errors.New("no frame there can be read")
	}
	order := make([]int, len(t.labels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(streamOf[a], streamOf[b]) })
	t.reorder(order)
	if !r.truth {
		t.agree()
	}
	rec := &Recording{table: t, truth: r.truth, unread: r.unread}
	t.tracks = nil
	for row, from := range order {
		stream := streamOf[from]
		for stream >= len(rec.streams) {
			rec.streams = append(rec.streams, nil)
		}
		if held := rec.streams[stream]; len(held) == 0 || t.labels[row] != t.labels[row-1] {
			t.tracks = append(t.tracks, track{class: t.labels[row], first: row})
		}
		t.tracks[len(t.tracks)-1].frames++
		rec.streams[stream] = append(rec.streams[stream], row)
	}
	t.index()
	rec.cameras()
	if err := t.price(ctx, r.loaded); err != nil {
		return nil, err
	}
	return rec, t.settle()
}

// reorder moves the frames of the table: row i becomes what order[i] was.
func (t *Table) reorder(order []int) {
	labels, best, glances := make([]int, len(order)), make([]int, len(order)), make([]policy.Glance, len(order))
	for i, from := range order {
		labels[i], best[i], glances[i] = t.labels[from], t.best[from], t.glances[from]
	}
	t.labels, t.best, t.glances = labels, best, glances
	for n := range t.nets {
		c := &t.nets[n]
		logits := make([]float32, 0, len(c.logits))
		for _, from := range order {
			logits = append(logits, c.row(from)...)
		}
		c.logits = logits
	}
}

// String says what was recorded.
func (r *Recording) String() string {
	against := "the full model's answers"
	if r.truth {
		against = "the producers' labels"
	}
	return fmt.Sprintf("%d frames of %d streams, held against %s", len(r.table.labels), len(r.streams), against)
}

// halves are the streams of the recording, each cut in the middle of its time.
func (r *Recording) halves() (first, second []stream) {
	for _, rows := range r.streams {
		middle := len(rows) / 2
		for _, half := range []struct {
			to   *[]stream
			rows []int
		}{{&first, rows[:middle]}, {&second, rows[middle:]}} {
			if len(half.rows) > 0 {
				*half.to = append(*half.to, r.table.recorded(half.rows))
			}
		}
	}
	return first, second
}

// recorded is a real stream as a drawn one is.
func (t *Table) recorded(rows []int) stream {
	s := stream{kind: recordedKind, rows: rows}
	for _, row := range rows {
		at := t.trackOf[row]
		s.since, s.rare = append(s.since, -1), append(s.rare, false)
		s.play, s.whole = append(s.play, at), append(s.whole, t.tracks[at].frames)
	}
	return s
}

// recordedKind is the kind of a real stream: nobody knows its dwell.
var recordedKind = Kind{Mixed: true}
