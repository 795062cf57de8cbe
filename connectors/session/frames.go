package session

import (
	"fmt"

	"github.com/cachenet/cachenet/schemas"
)

// Holds reports whether frames in flight stay in this process, see [Session.Hold]: they do where credit bounds them.
// Without credit the source may be in another process than the rest, or the runner may replay what it carries.
func (s *Session) Holds() bool { return s.credit > 0 }

// Hold makes the element that stands for a run. Where the session holds frames, the element is
// only a number, by which [Session.Take] finds them: a runner in the same process need not carry, copy and decode
// their bytes. Elsewhere the element is the run itself.
func (s *Session) Hold(run schemas.Run) schemas.Run {
	if f := s.onFrames.Load(); f != nil && len(run.Frames) > 0 {
		(*f)(run.Frames)
	}
	if !s.Holds() {
		return run
	}
	number := s.lastHeld.Add(1)
	s.held.Store(number, run)
	return schemas.Run{Held: number}
}

// OnFrames registers f to be called with frames of one stream when the source of this process hands them out, before
// anything answers them. f must not keep the slice or the images, and should be quick, since the source waits for it.
// Calls may be concurrent.
func (s *Session) OnFrames(f func([]schemas.Frame)) { s.onFrames.Store(&f) }

// Take returns the run that an element stands for. What is held is handed out once.
func (s *Session) Take(element schemas.Run) (schemas.Run, error) {
	if element.Held == 0 {
		return element, nil
	}
	run, ok := s.held.LoadAndDelete(element.Held)
	if !ok {
		return schemas.Run{}, fmt.Errorf("job %s: run %d is not held by this process", s.id, element.Held)
	}
	return run.(schemas.Run), nil
}
