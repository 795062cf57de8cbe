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
// says what that did to the stream's set (a schemas.Cache… value). Capacity is at least 1.
func (s *State) choose(i, capacity, admission int) string {
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
	if s.Named++; s.Named < admission {
		return schemas.CacheNone
	}
	s.Candidate, s.Named = -1, 0
	s.Cached = slices.Insert(s.Cached, 0, i)
	if len(s.Cached) > capacity {
		s.Cached = s.Cached[:capacity]
		return schemas.CacheEvict
	}
	return schemas.CacheLoad
}
