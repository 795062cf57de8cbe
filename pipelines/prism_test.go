package pipelines

import (
	"sync"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/state"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

const (
	stallKeys    = 50
	stallUpdates = 100 // of each key
)

func init() {
	register.DoFn2x0[[]byte, func(string, int)](&updatesFn{})
	register.DoFn3x1[state.Provider, string, int, error](&stallFn{})
	register.Emitter2[string, int]()
}

// updatesFn emits every update of every key.
type updatesFn struct{}

func (*updatesFn) ProcessElement(_ []byte, emit func(string, int)) {
	for i := range stallUpdates {
		for k := range stallKeys {
			emit(string(rune('A'+k)), i)
		}
	}
}

// stallFn counts the updates of a key in its state, and stalls once, long enough for prism to attempt a split.
type stallFn struct {
	Count state.Value[int]
}

var stalled struct {
	sync.Mutex
	once   sync.Once
	counts map[string]int
}

func (fn *stallFn) ProcessElement(p state.Provider, key string, update int) error {
	if update == stallUpdates/2 {
		stalled.once.Do(func() { time.Sleep(300 * time.Millisecond) })
	}
	n, _, err := fn.Count.Read(p)
	if err != nil {
		return err
	}
	stalled.Lock()
	stalled.counts[key] = n + 1
	stalled.Unlock()
	return fn.Count.Write(p, n+1)
}

// Prism 2.77 loses half of these updates when it splits the stalled bundle (apache/beam#40624). The runner
// as configured by this package must not.
func TestPrismKeepsStateThroughAStall(t *testing.T) {
	r, err := chooseRunner(Options{})
	if err != nil {
		t.Fatal(err)
	}
	stalled.counts = map[string]int{}
	p, s := beam.NewPipelineWithRoot()
	beam.ParDo0(s, &stallFn{Count: state.MakeValueState[int]("count")}, beam.ParDo(s, &updatesFn{}, beam.Impulse(s)))
	if err := r.execute(t.Context(), execution{pipeline: p}); err != nil {
		t.Fatal(err)
	}
	if len(stalled.counts) != stallKeys {
		t.Errorf("%d keys of %d", len(stalled.counts), stallKeys)
	}
	for key, n := range stalled.counts {
		if n != stallUpdates {
			t.Errorf("key %s: state counted %d of %d updates", key, n, stallUpdates)
		}
	}
}
