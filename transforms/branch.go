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
	for _, part := range spread(s, branches, runs) {
		outcomes, misses := Lookup(s, m, part)
		all = append(all, outcomes, FullModel(s, m, misses))
	}
	return all
}

// Device is Cached without a full model: the misses of each branch are for a server, whose answers come back as runs.
// The policy's teacher has to be Feedback.
func Device(s beam.Scope, m Model, branches int, runs beam.PCollection) (outcomes, misses []beam.PCollection) {
	s = s.Scope("transforms.Device")
	for _, part := range spread(s, branches, runs) {
		settled, missed := Lookup(s, m, part)
		outcomes, misses = append(outcomes, settled), append(misses, missed)
	}
	return outcomes, misses
}

// spread divides runs into branches by their stream.
func spread(s beam.Scope, branches int, runs beam.PCollection) []beam.PCollection {
	if branches <= 1 {
		return []beam.PCollection{runs}
	}
	var parts []beam.PCollection
	for b := range branches {
		parts = append(parts, beam.ParDo(s.Scope(fmt.Sprintf("branch-%d", b)), &branchFn{Branch: b, Of: branches}, runs))
	}
	return parts
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
