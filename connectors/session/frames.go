package session

import (
	"fmt"

	"github.com/cachenet/cachenet/schemas"
)

// Holds reports whether frames in flight stay in this process, see [Session.Hold]: they do where credit bounds them.
// Without credit the source may be in another process than the rest, or the runner may replay what it carries.
func (s *Session) Holds() bool { return s.credit > 0 }

// Hold makes the element that stands for frames of one stream, in order. Where the session holds frames, the element is
// only a number, by which [Session.Frames] finds them: a runner in the same process need not carry, copy and decode
// their bytes. Elsewhere the element contains them.
func (s *Session) Hold(frames []schemas.Frame) schemas.Run {
	if f := s.onFrames.Load(); f != nil {
		(*f)(frames)
	}
	if !s.Holds() {
		return schemas.Run{Frames: frames}
	}
	number := s.lastHeld.Add(1)
	s.held.Store(number, frames)
	return schemas.Run{Held: number}
}

// OnFrames registers f to be called with frames of one stream when the source of this process hands them out, before
// anything answers them. f must not keep the slice or the images, and should be quick, since the source waits for it.
// Calls may be concurrent.
func (s *Session) OnFrames(f func([]schemas.Frame)) { s.onFrames.Store(&f) }

// Frames returns the frames that a run stands for. What is held is handed out once.
func (s *Session) Frames(run schemas.Run) ([]schemas.Frame, error) {
	if run.Held == 0 {
		return run.Frames, nil
	}
	frames, ok := s.held.LoadAndDelete(run.Held)
	if !ok {
		return nil, fmt.Errorf("job %s: run %d is not held by this process", s.id, run.Held)
	}
	return frames.([]schemas.Frame), nil
}
