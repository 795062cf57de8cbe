package session

import (
	"sync/atomic"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// Stage is a part of the work on a frame that a session counts the time of. The time in nets is in the rows.
type Stage int

// The stages, in the order in which a frame passes them.
const (
	StageFetch  Stage = iota // a record becomes a frame; waiting for the broker is not counted
	StageDecode              // a frame becomes pixels
	StageState               // the stream's state is read and written
	StageWrite               // a row goes into a file, encoding included; waiting for the disk is not counted
	stages
)

// Known reports whether it is one of the stages.
func (s Stage) Known() bool { return s >= 0 && s < stages }

// String is the stage's name in metrics and reports.
func (s Stage) String() string { return [...]string{"fetch", "decode", "state", "write"}[s] }

// StageTime is what one stage took so far.
type StageTime struct {
	Stage  Stage
	Spent  time.Duration // summed over goroutines
	Frames int64         // that passed the stage
}

type stageCounter struct{ nanoseconds, frames atomic.Int64 }

// Spent adds the time that a stage took for that many frames.
func (s *Session) Spent(stage Stage, took time.Duration, frames int) {
	s.spent[stage].nanoseconds.Add(int64(took))
	s.spent[stage].frames.Add(int64(frames))
}

// StageTimes returns what every stage took so far, in order.
func (s *Session) StageTimes() []StageTime {
	all := make([]StageTime, stages)
	for i := range all {
		all[i] = StageTime{Stage(i), time.Duration(s.spent[i].nanoseconds.Load()), s.spent[i].frames.Load()}
	}
	return all
}

// Missed tells that frames went on to the full model's transform; a negative number, that it answered them.
func (s *Session) Missed(frames int) { s.missed.Add(int64(frames)) }

// MissesInFlight is how many frames the full model's transform has still to answer.
func (s *Session) MissesInFlight() int64 { return s.missed.Load() }

// OnRows registers f to be called with the rows that the sink takes, each once; f must not keep them, and should be
// quick, since the sink waits for it. One call at a time.
func (s *Session) OnRows(f func([]schemas.Outcome)) { s.onRows.Store(&f) }

// Rows shows rows to the function that is registered, if there is one. The caller sees to it that calls do not overlap.
func (s *Session) Rows(rows []schemas.Outcome) {
	if f := s.onRows.Load(); f != nil {
		(*f)(rows)
	}
}
