package session

import (
	"sync"

	"github.com/cachenet/cachenet/schemas"
)

const (
	imageStep = 4 << 10  // bytes; memory of images of similar sizes is used for each other
	mostIdle  = 64 << 20 // more means that the sizes of images changed
)

// images is memory for the images of frames in flight, which is used again when a frame has its row: Go clears what it allocates, and nearly
// all garbage of a run with camera frames would be images. Where a row does not come, or a frame was read twice, the
// garbage collector takes the memory.
type images struct {
	mu    sync.Mutex
	idle  map[int][][]byte // by capacity in steps
	bytes int              // of idle
	lent  map[frameAt][]byte
}

type frameAt struct {
	topic     string
	partition int32
	offset    int64
}

// Image returns size bytes of any content for the image of the frame at an offset. Where the session holds frames, the memory is used again once
// the sink has taken the frame's row: nothing may look at the image from then on.
func (s *Session) Image(topic string, partition int32, offset int64, size int) []byte {
	if size < leastImage || !s.Holds() {
		return make([]byte, size)
	}
	return s.images.lend(frameAt{topic, partition, offset}, size)
}

// Release takes back the memory of the images of frames that have their rows. Each row counts once.
func (s *Session) Release(rows []schemas.Outcome) {
	if s.Holds() {
		s.images.release(rows)
	}
}

func (m *images) lend(at frameAt, size int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lent == nil {
		m.lent, m.idle = map[frameAt][]byte{}, map[int][][]byte{}
	}
	steps := (size + imageStep - 1) / imageStep
	if _, twice := m.lent[at]; twice {
		m.lent[at] = nil // its row may be that of either
		return make([]byte, size)
	}
	b := m.take(steps)
	if b == nil {
		b = make([]byte, steps*imageStep)
	}
	m.lent[at] = b
	return b[:size:size]
}

// take returns idle memory of at least so many steps, and at most a quarter more.
func (m *images) take(steps int) []byte {
	for n := steps; n <= steps+steps/4; n++ {
		if idle := m.idle[n]; len(idle) > 0 {
			last := len(idle) - 1
			b := idle[last]
			idle[last], m.idle[n] = nil, idle[:last]
			m.bytes -= len(b)
			return b
		}
	}
	return nil
}

func (m *images) release(rows []schemas.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.lent) == 0 {
		return
	}
	for i := range rows {
		at := frameAt{rows[i].Topic, rows[i].Partition, rows[i].Offset}
		b := m.lent[at]
		delete(m.lent, at)
		if b == nil {
			continue
		}
		if m.bytes+len(b) > mostIdle {
			clear(m.idle)
			m.bytes = 0
		}
		spoil(b)
		n := len(b) / imageStep
		m.idle[n], m.bytes = append(m.idle[n], b), m.bytes+len(b)
	}
}
