package session

import (
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

func TestStagesAddUp(t *testing.T) {
	s := Open("stages", 0)
	defer s.Close()
	for range 3 {
		s.Spent(StageDecode, 2*time.Millisecond, 16)
	}
	s.Spent(StageWrite, time.Second, 1)
	want := map[string]StageTime{"fetch": {}, "decode": {Spent: 6 * time.Millisecond, Frames: 48}, "state": {}, "write": {Spent: time.Second, Frames: 1}}
	for _, got := range s.StageTimes() {
		if w := want[got.Stage.String()]; got.Spent != w.Spent || got.Frames != w.Frames {
			t.Errorf("%s: %v for %d frames", got.Stage, got.Spent, got.Frames)
		}
		delete(want, got.Stage.String())
	}
	if len(want) > 0 {
		t.Errorf("no stages %v", want)
	}
}

func TestRowsReachObservers(t *testing.T) {
	s := Open("rows", 0)
	defer s.Close()
	rows := make([]schemas.Outcome, 3)
	s.Rows(rows) // without an observer
	seen := 0
	s.OnRows(func(r []schemas.Outcome) { seen += len(r) })
	s.Rows(rows)
	s.Rows(rows[:1])
	if seen != 4 {
		t.Errorf("%d rows were seen", seen)
	}
	if n := testing.AllocsPerRun(10, func() { s.Rows(rows); s.Spent(StageFetch, 1, 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMissesInFlight(t *testing.T) {
	s := Open("misses", 0)
	defer s.Close()
	s.Missed(5)
	s.Missed(-3)
	if n := s.MissesInFlight(); n != 2 {
		t.Errorf("%d misses in flight", n)
	}
}
