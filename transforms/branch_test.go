package transforms

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// branchesOf are the DoFns of all branches of a job, each with its own copy as a runner makes them.
func branchesOf(t *testing.T, job string, of int) []*branchFn {
	t.Helper()
	var all []*branchFn
	for b := range of {
		fn := &branchFn{Job: job, Branch: b, Of: of}
		if err := fn.Setup(); err != nil {
			t.Fatal(err)
		}
		all = append(all, fn)
	}
	return all
}

// takers are the branches that pass a stream's run on.
func takers(all []*branchFn, stream string) (taken []int) {
	for _, fn := range all {
		fn.ProcessElement(stream, schemas.Run{}, func(string, schemas.Run) { taken = append(taken, fn.Branch) })
	}
	return taken
}

// Each stream is in exactly one branch and stays there, and each branch has as many streams, however few there are.
func TestStreamsAreSpreadEvenly(t *testing.T) {
	const of = 3
	job := session.Open("spread", 0)
	defer job.Close()
	if _, err := Remember(job, nil); err != nil {
		t.Fatal(err)
	}
	all := branchesOf(t, job.ID(), of)
	var first [7]int
	count := make([]int, of)
	for i := range first {
		taken := takers(all, fmt.Sprint("camera-", i))
		if len(taken) != 1 {
			t.Fatalf("stream %d: taken by branches %v, want one", i, taken)
		}
		first[i] = taken[0]
		count[taken[0]]++
	}
	if count[0] != 3 || count[1] != 2 || count[2] != 2 {
		t.Errorf("%v streams in each branch, want 3, 2, 2", count)
	}
	later := branchesOf(t, job.ID(), of) // a runner makes new DoFns
	for i := range first {
		if taken := takers(later, fmt.Sprint("camera-", i)); len(taken) != 1 || taken[0] != first[i] {
			t.Errorf("stream %d: taken by %v, before by %d", i, taken, first[i])
		}
	}
}

// A bundle of a branch has all its streams, where that does not separate them from their states.
func TestTheStreamsOfABranchHaveOneKey(t *testing.T) {
	job := session.Open("keys", 0)
	defer job.Close()
	keys := func() map[string]bool {
		all := map[string]bool{}
		for _, fn := range branchesOf(t, job.ID(), 2) {
			for i := range 6 {
				fn.ProcessElement(fmt.Sprint("camera-", i), schemas.Run{}, func(key string, _ schemas.Run) { all[key] = true })
			}
		}
		return all
	}
	if n := len(keys()); n != 6 {
		t.Errorf("states in the runner's cells: %d keys, want one of each stream", n)
	}
	if _, err := Remember(job, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(keys()); n != 1 {
		t.Errorf("states in memory: %d keys, want 1", n)
	}
}

// Branches that run concurrently agree where a new stream belongs.
func TestBranchesAgree(t *testing.T) {
	const of, streams = 4, 200
	job := session.Open("agree", 0)
	defer job.Close()
	if _, err := Remember(job, nil); err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	taken := make([][streams]bool, of)
	for b, fn := range branchesOf(t, job.ID(), of) {
		g.Go(func() {
			for i := range streams {
				fn.ProcessElement(fmt.Sprint(i), schemas.Run{}, func(string, schemas.Run) { taken[b][i] = true })
			}
		})
	}
	g.Wait()
	for i := range streams {
		n := 0
		for b := range of {
			if taken[b][i] {
				n++
			}
		}
		if n != 1 {
			t.Errorf("stream %d is in %d branches", i, n)
		}
	}
}

// Where the runner keeps the states, a stream's branch depends on its id alone.
func TestBranchesByHashWithoutAMemory(t *testing.T) {
	var first []int
	for range 2 {
		job := session.Open("cells", 0)
		taken := takers(branchesOf(t, job.ID(), 5), "camera")
		if len(taken) != 1 || first != nil && first[0] != taken[0] {
			t.Errorf("taken by %v, in the job before by %v", taken, first)
		}
		first = taken
		if err := job.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
