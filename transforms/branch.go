package transforms

import (
	"fmt"
	"hash/fnv"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn3x0[string, schemas.Run, func(string, schemas.Run)](&branchFn{})
	register.Emitter2[string, schemas.Run]()
}

// Cached is the whole of the caching step: streams are spread over branches by a hash of their id, and
// each branch has its own Lookup and FullModel, whose outcomes it returns. Prism runs one stateful stage serially, so
// branches are its parallelism; a runner that spreads keys itself needs only one.
func Cached(s beam.Scope, m Model, branches int, runs beam.PCollection) []beam.PCollection {
	s = s.Scope("transforms.Cached")
	var all []beam.PCollection
	for b := range branches {
		part := runs
		if branches > 1 {
			part = beam.ParDo(s.Scope(fmt.Sprintf("branch-%d", b)), &branchFn{Branch: b, Of: branches}, runs)
		}
		outcomes, misses := Lookup(s, m, part)
		all = append(all, outcomes, FullModel(s, m, misses))
	}
	return all
}

// branchFn keeps the streams of one branch.
type branchFn struct {
	Branch, Of int
}

// ProcessElement passes the run on when its stream belongs here.
func (fn *branchFn) ProcessElement(stream string, run schemas.Run, emit func(string, schemas.Run)) {
	h := fnv.New32a()
	h.Write([]byte(stream))
	if int(h.Sum32()%uint32(fn.Of)) == fn.Branch {
		emit(stream, run)
	}
}
