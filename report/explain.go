package report

import (
	"context"
	"fmt"
	"slices"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// NoKey is what summaries and pages call the stream of records without a key, which has no name.
const NoKey = "(no key)"

// Question names the frame of a data set whose row is to be explained.
type Question struct {
	Stream string
	Offset int64
	Before int // rows of the stream before it to show, at least 0
}

// Explanation is what the rows of a stream say about the decision on one of its frames.
type Explanation struct {
	Row    schemas.Outcome   `json:"row"`
	Before []schemas.Outcome `json:"before"` // the last rows before it, the oldest first
	Test   string            `json:"test"`   // what the threshold is held against, as the stream's hits show: TestConfidence, TestEntropy or empty

	Change *schemas.Outcome `json:"change,omitempty"` // the last row before it that changed the active specialist
	Taught *schemas.Outcome `json:"taught,omitempty"` // the last miss before it: what the full model said moved the stream's window
	Bypass *schemas.Outcome `json:"bypass,omitempty"` // the row before it since which the full model answers the stream whatever the small net says
	Hits   int64            `json:"hits_before"`      // of the stream, before it …
	Misses int64            `json:"misses_before"`
	Nets   []string         `json:"nets"` // specialists that answered the stream, before or after it

	earlier bool // the stream has rows before it
}

// What a threshold may be held against.
const (
	TestConfidence = "confidence" // a hit has at least the threshold
	TestEntropy    = "entropy"    // a hit has at most the threshold
)

// Explain looks a frame up in the data set at dir, with what led to it. It reads every row once and keeps a few. A stream
// or an offset without a row is an error.
func Explain(ctx context.Context, dir string, q Question) (Explanation, error) {
	w := witness{question: q}
	for row, err := range parquetio.Rows(ctx, dir) {
		if err != nil {
			return Explanation{}, err
		}
		if row.Stream == q.Stream {
			w.see(row)
		}
	}
	switch {
	case w.rows == 0:
		return Explanation{}, fmt.Errorf("explain %s: no rows of stream %q: cachenet report --html lists the streams", dir, q.Stream)
	case !w.found:
		return Explanation{}, fmt.Errorf("explain %s: stream %q has no row with offset %d; its rows are at offsets %d to %d", dir, q.Stream, q.Offset, w.first, w.last)
	}
	return w.explanation(), nil
}

// witness gathers what the rows of one stream say. They come in any order: a stream stays in one partition, so that
// their offsets are their order.
type witness struct {
	question    Question
	rows        int64
	first, last int64
	found       bool
	e           Explanation
	mode        *schemas.Outcome // the last row before it at which audits, or the cost of hits, changed who answers
	byScore     struct{ hits, confident, certain int64 }
}

func (w *witness) see(row schemas.Outcome) {
	if w.rows == 0 {
		w.first, w.last = row.Offset, row.Offset
	}
	w.rows++
	w.first, w.last = min(w.first, row.Offset), max(w.last, row.Offset)
	if row.Outcome == schemas.Hit {
		w.hit(row)
	}
	switch {
	case row.Offset == w.question.Offset:
		w.e.Row, w.found = row, true
	case row.Offset < w.question.Offset:
		w.before(row)
	}
}

// hit learns from a hit which test it passed, and which nets there are.
func (w *witness) hit(row schemas.Outcome) {
	w.byScore.hits++
	if row.Confidence >= row.Threshold {
		w.byScore.confident++
	}
	if row.Entropy <= row.Threshold {
		w.byScore.certain++
	}
	if !slices.Contains(w.e.Nets, row.Model) {
		w.e.Nets = append(w.e.Nets, row.Model)
	}
}

func (w *witness) before(row schemas.Outcome) {
	w.e.earlier = true
	switch row.Outcome {
	case schemas.Hit, schemas.Same:
		w.e.Hits++
	case schemas.Miss:
		w.e.Misses++
		w.e.Taught = later(w.e.Taught, row)
	}
	switch row.CacheEvent {
	case schemas.CacheSwap, schemas.CacheLoad, schemas.CacheEvict:
		w.e.Change = later(w.e.Change, row)
	case schemas.TrustBypass, schemas.TrustDrift, schemas.TrustReturn:
		w.mode = later(w.mode, row)
	}
	at, _ := slices.BinarySearchFunc(w.e.Before, row.Offset, func(o schemas.Outcome, offset int64) int { return int(o.Offset - offset) })
	w.e.Before = slices.Insert(w.e.Before, at, row)
	if extra := len(w.e.Before) - w.question.Before; extra > 0 {
		w.e.Before = slices.Delete(w.e.Before, 0, extra)
	}
}

// later is whichever row has the larger offset.
func later(a *schemas.Outcome, b schemas.Outcome) *schemas.Outcome {
	if a != nil && a.Offset > b.Offset {
		return a
	}
	return &b
}

func (w *witness) explanation() Explanation {
	e := w.e
	slices.Sort(e.Nets)
	if w.mode != nil && w.mode.CacheEvent != schemas.TrustReturn {
		e.Bypass = w.mode
	}
	switch s := w.byScore; s.hits {
	case 0:
	case s.confident:
		e.Test = TestConfidence
	case s.certain:
		e.Test = TestEntropy
	}
	return e
}
