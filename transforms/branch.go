package transforms

import (
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn3x0[string, schemas.Run, func(string, schemas.Run)](&branchFn{})
	register.Emitter2[string, schemas.Run]()
}

// Cached is the whole of the caching step: streams are spread over branches, and each branch has its own Lookup and
// FullModel, whose outcomes it returns. Prism runs one stateful stage serially, so branches are its parallelism; a runner
// that spreads keys itself needs only one.
func Cached(s beam.Scope, m Model, branches int, runs beam.PCollection) []beam.PCollection {
	s = s.Scope("transforms.Cached")
	var all []beam.PCollection
	for _, part := range spread(s, m.Job, branches, runs) {
		outcomes, misses := Lookup(s, m, part)
		all = append(all, outcomes, FullModel(s, m, misses))
	}
	return all
}

// Device is Cached without a full model: the misses of each branch are for a server, whose answers come back as runs.
// The policy's teacher has to be Feedback.
func Device(s beam.Scope, m Model, branches int, runs beam.PCollection) (outcomes, misses []beam.PCollection) {
	s = s.Scope("transforms.Device")
	for _, part := range spread(s, m.Job, branches, runs) {
		settled, missed := Lookup(s, m, part)
		outcomes, misses = append(outcomes, settled), append(misses, missed)
	}
	return outcomes, misses
}

// spread divides runs into branches by their stream.
func spread(s beam.Scope, job string, branches int, runs beam.PCollection) []beam.PCollection {
	if branches <= 1 {
		return []beam.PCollection{runs}
	}
	var parts []beam.PCollection
	for b := range branches {
		parts = append(parts, beam.ParDo(s.Scope(fmt.Sprintf("branch-%d", b)), &branchFn{Job: job, Branch: b, Of: branches}, runs))
	}
	return parts
}

// branchFn keeps the streams of one branch.
type branchFn struct {
	Job        string
	Branch, Of int

	turns *branchTurns // nil: the streams' states are in the runner's cells, and a stream's branch must outlive the process
}

// Setup finds what the branches of the job share.
func (fn *branchFn) Setup() error {
	job, memory, _, err := attached(fn.Job)
	if err != nil {
		return fmt.Errorf("spread streams: %w", err)
	}
	if memory == nil {
		return nil
	}
	fn.turns, err = session.Part(job, "transforms.branchTurns", func() (*branchTurns, error) { return &branchTurns{of: map[string]int{}}, nil })
	return err
}

// oneKey is the key of all runs of a branch where the job's Memory holds the states. With their streams as keys prism runs bundles of
// different streams at once, on a backlog a handful of streams each: few share calls of the nets, and all compete for the cores.
const oneKey = ""

// ProcessElement passes the run on when its stream belongs here.
func (fn *branchFn) ProcessElement(stream string, run schemas.Run, emit func(string, schemas.Run)) {
	var branch int
	if fn.turns != nil {
		branch = fn.turns.branch(stream, fn.Of)
	} else {
		h := fnv.New32a()
		h.Write([]byte(stream))
		branch = int(h.Sum32() % uint32(fn.Of))
	}
	if branch != fn.Branch {
		return
	}
	if fn.turns != nil {
		stream = oneKey
	}
	emit(stream, run)
}

// branchTurns gives each stream of a job its branch, in turn as they appear: as many streams to each branch, so that one
// branch for each core is enough. A hash needs several, each of which costs every bundle.
type branchTurns struct {
	mu sync.Mutex
	of map[string]int // stream → branch
}

func (t *branchTurns) branch(stream string, branches int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.of[stream]
	if !ok {
		b = len(t.of) % branches
		t.of[stream] = b
	}
	return b
}
