package transforms

import (
	"slices"
	"sync"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/policy"
)

const memoryPart = "transforms.Memory"

// Memory holds the state of each stream of one job in this process, with the lifetime of the runner's own state, of which each
// cell costs three messages for each element. It outlives the job, so that the next one can begin with what
// it holds. Its methods may be called concurrently, for one stream one after the other.
type Memory struct {
	mu      sync.Mutex
	streams map[string][]byte // stream → encoded policy.State after its last frame: a tenth of the size of a decoded one
}

// Remember gives the job a memory that begins with what an earlier one held. Call it before the job starts.
func Remember(job *session.Session, before map[string][]byte) (*Memory, error) {
	m := &Memory{streams: cloned(before)}
	return session.Part(job, memoryPart, func() (*Memory, error) { return m, nil })
}

// Streams returns the present state of each stream, in the encoding of the policy's state.
func (m *Memory) Streams() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return cloned(m.streams)
}

func cloned(streams map[string][]byte) map[string][]byte {
	c := make(map[string][]byte, len(streams))
	for stream, b := range streams {
		c[stream] = slices.Clone(b)
	}
	return c
}

// recall makes st the state of a stream.
func (m *Memory) recall(stream string, st *policy.State) error {
	m.mu.Lock()
	b, ok := m.streams[stream]
	m.mu.Unlock()
	if !ok {
		*st = policy.State{}
		return nil
	}
	return st.UnmarshalBinary(b)
}

// keep stores the state of a stream.
func (m *Memory) keep(stream string, st *policy.State) (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streams[stream], err = st.AppendBinary(m.streams[stream][:0])
	return err
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
