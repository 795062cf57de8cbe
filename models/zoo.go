package models

// Zoo is the former name of [Sessions].
type Zoo = Sessions

// NewZoo is the former name of [NewSessions].
func NewZoo(p *Pack, _ int) *Zoo { return NewSessions(p, 0) }
