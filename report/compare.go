package report

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// Side is how frames were answered once.
type Side struct {
	Frames    int64   `json:"frames"`
	Hits      int64   `json:"hits"` // repeated answers included, see schemas.Hit
	Misses    int64   `json:"misses"`
	Errors    int64   `json:"errors"`
	WithTruth int64   `json:"with_truth"` // answered frames whose true class is known …
	Right     int64   `json:"right"`      // … and those answered with it
	ModelUs   float64 `json:"model_us"`   // in nets, µs, all frames together
}

// HitRate is hits among hits and misses, 0 … 1; 0 where there are none.
func (s Side) HitRate() float64 { return float64(s.Hits) / float64(max(1, s.Hits+s.Misses)) }

// Accuracy is the share of right answers where the truth is known, 0 … 1.
func (s Side) Accuracy() float64 { return float64(s.Right) / float64(max(1, s.WithTruth)) }

// Us is the mean time of a frame in nets, µs.
func (s Side) Us() float64 { return s.ModelUs / float64(max(1, s.Frames)) }

func (s *Side) add(o *schemas.Outcome) {
	s.Frames++
	s.ModelUs += float64(o.SpecialistUs) + float64(o.SelectorUs) + float64(o.FullUs)
	switch o.Outcome {
	case schemas.Hit, schemas.Same:
		s.Hits++
	case schemas.Miss:
		s.Misses++
	case schemas.Error:
		s.Errors++
		return
	}
	if o.Truth != "" {
		s.WithTruth++
		if o.Truth == o.Label {
			s.Right++
		}
	}
}

// Change is what became of the same frames in two data sets.
type Change struct {
	Stream      string `json:"stream,omitempty"` // empty: of all
	Before      Side   `json:"before"`
	After       Side   `json:"after"`
	Changed     int64  `json:"changed"`      // frames with another answer
	Judged      int64  `json:"judged"`       // of them, those of which the full model's answer is known, from either data set …
	BeforeAgree int64  `json:"before_agree"` // … and that had it before
	AfterAgree  int64  `json:"after_agree"`  // … and that have it after
}

// Agreement is how the share of answers that are the full model's changed, -1 … 1, as far as it is known: answers that did
// not change do not move it.
func (c Change) Agreement() float64 {
	return float64(c.AfterAgree-c.BeforeAgree) / float64(max(1, c.After.Frames))
}

// Comparison is how frames were answered again, against the data set that holds them.
type Comparison struct {
	All     Change   `json:"all"`
	Streams []Change `json:"streams"` // the most changed answers first
	Gone    int64    `json:"gone"`    // frames of the data set that were not answered again: the topic does not hold them any more
}

// Compare holds the rows of the data set at after against those of before, frame by frame; only rows of the topic count. It
// keeps 8 bytes a frame.
func Compare(ctx context.Context, before, after, topic string) (Comparison, error) {
	m := matcher{own: newAnswers(), full: newAnswers(), streams: map[string]*Change{}}
	for row, err := range parquetio.Rows(ctx, after) {
		if err != nil {
			return Comparison{}, err
		}
		m.again(&row)
	}
	for row, err := range parquetio.Rows(ctx, before) {
		if err != nil {
			return Comparison{}, err
		}
		if row.Topic == topic {
			m.first(&row)
		}
	}
	return m.comparison(), nil
}

// matcher matches the rows of two data sets.
type matcher struct {
	own, full *answers // of the rows after; the full model's, as far as they tell
	streams   map[string]*Change
	gone      int64
}

func (m *matcher) stream(name string) *Change {
	c := m.streams[name]
	if c == nil {
		c = &Change{Stream: name}
		m.streams[name] = c
	}
	return c
}

// again takes a row of the second data set.
func (m *matcher) again(o *schemas.Outcome) {
	m.own.put(o)
	if label, ok := fullLabel(o); ok {
		full := *o
		full.Label = label
		m.full.put(&full)
	}
	m.stream(o.Stream).After.add(o)
}

// first takes a row of the first data set, when all of the second are known.
func (m *matcher) first(o *schemas.Outcome) {
	if !m.own.has(o) {
		m.gone++
		return
	}
	c := m.stream(o.Stream)
	c.Before.add(o)
	now, _ := m.own.get(o)
	if now == o.Label {
		return
	}
	c.Changed++
	full, ok := fullLabel(o)
	if !ok {
		full, ok = m.full.get(o)
	}
	if !ok {
		return
	}
	c.Judged++
	if o.Label == full {
		c.BeforeAgree++
	}
	if now == full {
		c.AfterAgree++
	}
}

// fullLabel is the full model's answer that a row tells, of a miss or of an audit.
func fullLabel(o *schemas.Outcome) (string, bool) {
	if o.Outcome == schemas.Miss {
		return o.Label, o.Label != ""
	}
	return o.AuditLabel, o.AuditLabel != ""
}

func (m *matcher) comparison() Comparison {
	all := Comparison{Gone: m.gone}
	for _, name := range slices.Sorted(maps.Keys(m.streams)) {
		c := *m.streams[name]
		all.Streams = append(all.Streams, c)
		all.All.sum(c)
	}
	slices.SortStableFunc(all.Streams, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Changed*a.After.Frames, a.Changed*b.After.Frames), cmp.Compare(b.After.Us()-b.Before.Us(), a.After.Us()-a.Before.Us()))
	})
	return all
}

func (c *Change) sum(o Change) {
	for to, from := range map[*Side]Side{&c.Before: o.Before, &c.After: o.After} {
		to.Frames, to.Hits, to.Misses, to.Errors = to.Frames+from.Frames, to.Hits+from.Hits, to.Misses+from.Misses, to.Errors+from.Errors
		to.WithTruth, to.Right, to.ModelUs = to.WithTruth+from.WithTruth, to.Right+from.Right, to.ModelUs+from.ModelUs
	}
	c.Changed, c.Judged = c.Changed+o.Changed, c.Judged+o.Judged
	c.BeforeAgree, c.AfterAgree = c.BeforeAgree+o.BeforeAgree, c.AfterAgree+o.AfterAgree
}
