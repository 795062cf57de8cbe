package transforms

import (
	"maps"
	"sync"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/policy"
)

const memoryPart = "transforms.Memory"

// Memory keeps the state of each stream of one job, in this process, so that the next job can begin with it: a
// runner forgets its state when a job ends. Its methods may be called concurrently.
type Memory struct {
	mu     sync.Mutex
	before map[string][]byte // stream → encoded policy.State at the start of the job
	now    map[string][]byte // … after its last frame
}

// Remember gives the job a memory that begins with what an earlier one held. Call it before the job starts.
func Remember(job *session.Session, before map[string][]byte) (*Memory, error) {
	m := &Memory{before: before, now: maps.Clone(before)}
	if m.now == nil {
		m.now = map[string][]byte{}
	}
	return session.Part(job, memoryPart, func() (*Memory, error) { return m, nil })
}

// Streams returns the present state of each stream, in the encoding of the policy's state.
func (m *Memory) Streams() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.now)
}

// recall returns the state of a stream before the job. A nil Memory, of a job without one, has none.
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

// keep stores the state of a stream; b must not be changed afterwards.
func (m *Memory) keep(stream string, b []byte) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[stream] = b
}

// attached returns the session of the job with its memory and its watch, nil where it has none or was opened by another
// process. The job must not have ended.
func attached(job string) (*session.Session, *Memory, *Watch, error) {
	s, err := session.Find(job)
	if err != nil {
		return nil, nil, nil, err
	}
	m, _ := session.Get[*Memory](s, memoryPart)
	w, _ := session.Get[*Watch](s, watchPart)
	return s, m, w, nil
}
