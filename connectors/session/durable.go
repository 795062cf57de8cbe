package session

import "github.com/cachenet/cachenet/schemas"

// Durable says that every outcome of these offsets is in files that survive a crash.
type Durable struct {
	Topic     string
	Partition int32
	Offsets   schemas.Offsets
	Empty     bool // there is no frame at these offsets, and never was
}

// Lost says that the records of [From, To) left the topic before anybody read them.
type Lost struct {
	Topic     string
	Partition int32
	From, To  int64
}

type place struct {
	topic     string
	partition int32
}

// Begin adds what was done before this job; listeners are not notified.
func (s *Session) Begin(topic string, done map[int32]schemas.Offsets) {
	for partition, o := range done {
		s.add(place{topic, partition}, o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var begun int64
	for _, o := range s.durable {
		begun += o.Count()
	}
	s.begun.Store(begun)
}

// Progress is how many offsets are done: before this job, or by rows that the sink has taken since. It grows over
// the jobs of a run, also when a later one does again what an earlier one lost.
func (s *Session) Progress() int64 { return s.begun.Load() + s.written.Load() }

func (s *Session) add(at place, o schemas.Offsets) {
	if o.Count() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.durable[at]
	all.Union(o)
	s.durable[at] = all
}

// SetDurable adds offsets to what is durable and tells everyone registered.
func (s *Session) SetDurable(d Durable) {
	s.add(place{d.Topic, d.Partition}, d.Offsets)
	s.telling.Lock()
	defer s.telling.Unlock()
	for _, f := range s.onDurable {
		f(d)
	}
}

// NextMissing returns the smallest offset ≥ from of the partition that is not durable.
func (s *Session) NextMissing(topic string, partition int32, from int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.durable[place{topic, partition}].Next(from)
}

// DurableOffsets returns, by partition, what of the topic is durable, by this job and those before it. The result is
// the caller's own.
func (s *Session) DurableOffsets(topic string) map[int32]schemas.Offsets {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[int32]schemas.Offsets{}
	for at, o := range s.durable {
		if at.topic == topic {
			var own schemas.Offsets
			own.Union(o)
			all[at.partition] = own
		}
	}
	return all
}

// SetLost tells everyone registered that records were lost before they were read.
func (s *Session) SetLost(lost Lost) {
	s.telling.Lock()
	defer s.telling.Unlock()
	for _, f := range s.onLost {
		f(lost)
	}
}

// OnDurable registers f to be called, one call at a time, whenever offsets became durable.
func (s *Session) OnDurable(f func(Durable)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.onDurable = append(s.onDurable, f)
}

// OnLost registers f to be called, one call at a time, whenever records were lost before they were read.
func (s *Session) OnLost(f func(Lost)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.onLost = append(s.onLost, f)
}
