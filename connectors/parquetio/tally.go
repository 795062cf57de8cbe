package parquetio

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/schemas"
)

// maxReasons bounds how many reasons for errors a Tally tells apart; the rest is counted as one.
const maxReasons = 50

// Tally counts rows by outcome. The zero value counts none.
type Tally struct {
	Hits, Misses, Same, Errors int64
	Audits                     audit.Count // of the hits and the repeated answers
	reasons                    map[string]Reason
}

// Reason is one reason for errors.
type Reason struct {
	Stage   string `json:"stage"`  // schemas.Stage…
	Example string `json:"reason"` // the error of the first such row; others may differ in their numbers
	Rows    int64  `json:"rows"`
}

// Frames is how many rows were counted.
func (t Tally) Frames() int64 { return t.Hits + t.Misses + t.Same + t.Errors }

// Reasons returns the reasons for errors, the most frequent first.
func (t Tally) Reasons() []Reason {
	return slices.SortedFunc(maps.Values(t.reasons), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Example, b.Example))
	})
}

// Merge adds what another one counted.
func (t *Tally) Merge(other Tally) {
	t.Hits += other.Hits
	t.Misses += other.Misses
	t.Same += other.Same
	t.Errors += other.Errors
	t.Audits.Merge(other.Audits)
	for _, r := range other.Reasons() {
		t.reason(r)
	}
}

// add counts a row.
func (t *Tally) add(o *schemas.Outcome) {
	switch o.Outcome {
	case schemas.Hit:
		t.Hits++
		t.Audits.Row(o)
	case schemas.Miss:
		t.Misses++
	case schemas.Same:
		t.Same++
		t.Audits.Row(o)
	default:
		t.Errors++
		t.reason(Reason{Stage: o.Stage, Example: o.Error, Rows: 1})
	}
}

func (t *Tally) reason(r Reason) {
	key := r.Stage + " " + strings.Map(withoutNumber, r.Example)
	old, known := t.reasons[key]
	switch {
	case known:
		r.Stage, r.Example, r.Rows = old.Stage, old.Example, old.Rows+r.Rows
	case t.reasons == nil:
		t.reasons = map[string]Reason{}
	case len(t.reasons) >= maxReasons:
		key = ""
		r.Stage, r.Example, r.Rows = "", "other reasons", t.reasons[key].Rows+r.Rows
	}
	t.reasons[key] = r
}

// withoutNumber maps digits away, so that "value of 9000001 bytes" and "value of 9000002 bytes" are one reason.
func withoutNumber(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}

// tallies is the tally of one job's durable rows.
type tallies struct {
	mu  sync.Mutex
	sum Tally
}

const tallyPart = "parquetio.Tally"

func talliesOf(job *session.Session) (*tallies, error) {
	return session.Part(job, tallyPart, func() (*tallies, error) { return &tallies{}, nil })
}

func (t *tallies) merge(other Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Merge(other)
}

// Written counts the rows that the job made durable in this process, by outcome. It may be asked after the end of the
// job.
func Written(job *session.Session) Tally {
	t, ok := session.Get[*tallies](job, tallyPart)
	if !ok {
		return Tally{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var copied Tally
	copied.Merge(t.sum)
	return copied
}
