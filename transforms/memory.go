package transforms

import (
	"maps"
	"sync"

	"github.com/cachenet/cachenet/models/policy"
)

// Memory is what the streams of one job know, in this process, so that the next job can begin with it: a
// runner forgets its state when a job ends. Its methods may be called concurrently.
type Memory struct {
	mu     sync.Mutex
	before map[string][]byte // stream → encoded policy.State at the start of the job
	now    map[string][]byte // … after its last frame
}

var memories sync.Map // job id → *Memory

// Remember gives the job with that id (Model.Job) a memory that begins with what an earlier one held; call it
// before the job starts, and [Forget] when it has ended.
func Remember(job string, before map[string][]byte) *Memory {
	m := &Memory{before: before, now: maps.Clone(before)}
	if m.now == nil {
		m.now = map[string][]byte{}
	}
	memories.Store(job, m)
	return m
}

// Forget ends the job's memory.
func Forget(job string) { memories.Delete(job) }

// Streams returns what each stream knows now, in the encoding of the policy's state.
func (m *Memory) Streams() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.now)
}

// memoryOf returns the job's memory, nil where it has none or runs in another process.
func memoryOf(job string) *Memory {
	m, ok := memories.Load(job)
	if !ok {
		return nil
	}
	return m.(*Memory)
}

// recall returns what a stream knew before the job.
func (m *Memory) recall(stream string) (*policy.State, error) {
	if m == nil {
		return &policy.State{}, nil
	}
	m.mu.Lock()
	b, ok := m.before[stream]
	m.mu.Unlock()
	st := &policy.State{}
	if !ok {
		return st, nil
	}
	return st, st.UnmarshalBinary(b)
}

// keep notes what a stream knows; b is not changed afterwards.
func (m *Memory) keep(stream string, b []byte) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[stream] = b
}
