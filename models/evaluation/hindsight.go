package evaluation

import (
	"github.com/cachenet/cachenet/models/policy"
)

// knows lists for each specialist whether it has an output for each class.
func knows(specialists []policy.Specialist, classes int) [][]bool {
	all := make([][]bool, len(specialists))
	for i, s := range specialists {
		all[i] = make([]bool, classes)
		for c := range classes {
			all[i][c] = s.Classes == nil
		}
		for _, c := range s.Classes {
			all[i][c] = true
		}
	}
	return all
}

// steady picks the specialist that knows most of the stream.
func (p *player) steady(s *stream) ([]*column, []policy.Specialist) {
	best, most := 0, -1
	for i := range p.policy.Specialists {
		known := 0
		for _, row := range s.rows {
			known += count(p.knows[i][p.table.labels[row]])
		}
		if known > most {
			best, most = i, known
		}
	}
	all := p.table.role(roleSpecialist)
	return all[best : best+1], p.policy.Specialists[best : best+1]
}

// foresee makes the specialist that knows the frame's class the active one, at no cost.
func (p *player) foresee(row int) {
	state := &p.state
	if p.many != nil {
		state = &p.many.State
	}
	for i := range p.policy.Specialists {
		if p.knows[i][p.table.labels[row]] {
			state.Cached = append(state.Cached[:0], i)
			return
		}
	}
}

// furthest returns the place of the held specialist whose classes come back last.
func (p *player) furthest(held []int, s *stream, now int) int {
	worst, far := 0, -1
	for at, i := range held {
		next := len(s.rows)
		for f := now + 1; f < len(s.rows); f++ {
			if p.knows[i][p.table.labels[s.rows[f]]] {
				next = f
				break
			}
		}
		if next > far {
			worst, far = at, next
		}
	}
	return worst
}
