package session

import "time"

// Span is a stretch of work on frames of one bundle.
type Span struct {
	Bundle string // the runner's id of the bundle; empty: read ahead, for a bundle to come
	Name   string // of the stage
	Begun  time.Time
	Took   time.Duration
	Frames int
}

// Tracer hears what was done in each bundle. Its methods may be called concurrently, and must be quick.
type Tracer interface {
	Begin(bundle string) // a transform begins a bundle; those of one bundle all begin before any of them ends
	Span(Span)           // of a bundle that has begun and not ended
	End(bundle string)   // the transform has finished the bundle
}

// TraceTo registers a tracer. Call it before the job starts.
func (s *Session) TraceTo(t Tracer) { s.tracer.Store(&t) }

// Traced returns the tracer, nil where there is none.
func (s *Session) Traced() Tracer {
	if t := s.tracer.Load(); t != nil {
		return *t
	}
	return nil
}
