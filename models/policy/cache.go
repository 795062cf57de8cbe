package policy

import (
	"slices"

	"github.com/cachenet/cachenet/schemas"
)

// touch makes a specialist the stream holds the active one.
func (s *State) touch(i int) {
	at := slices.Index(s.Cached, i)
	copy(s.Cached[1:at+1], s.Cached[:at])
	s.Cached[0] = i
}

// choose makes specialist i active, loading it when it is not held and has been named often enough, and
// says what that did to the stream's set (a schemas.Cache… value).
func (s *State) choose(i int, p *Policy) string {
	switch {
	case s.Cached[0] == i:
		s.Candidate, s.Named = -1, 0
		return schemas.CacheNone
	case slices.Contains(s.Cached, i):
		s.touch(i)
		s.Candidate, s.Named = -1, 0
		return schemas.CacheSwap
	}
	if s.Candidate != i {
		s.Candidate, s.Named = i, 0
	}
	if s.Named++; s.Named < max(1, p.Admission) {
		return schemas.CacheNone
	}
	s.Candidate, s.Named = -1, 0
	event := schemas.CacheLoad
	if len(s.Cached) >= p.Capacity {
		event = schemas.CacheEvict
		s.evict(p)
	}
	s.Cached = slices.Insert(s.Cached, 0, i)
	return event
}

// evict makes room for one specialist.
func (s *State) evict(p *Policy) {
	s.Cached = s.Cached[:min(len(s.Cached), p.Capacity)] // the pack may hold fewer now than it did
	victim := len(s.Cached) - 1
	if p.Victim != nil {
		victim = p.Victim(s.Cached)
	}
	s.Cached = slices.Delete(s.Cached, victim, victim+1)
}
