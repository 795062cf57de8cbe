package policy

import (
	"slices"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// shown is a stream that has shown a class for a while.
func shown(t *testing.T, p *Policy, class int) *State {
	s := &State{}
	for range 20 {
		toss(t, p, s, says(class, class), heads)
	}
	return s
}

// The first frame of a class that the stream has not shown is the full model's, however sure the small net is.
func TestAClassThatIsNewToAStreamIsConfirmed(t *testing.T) {
	p := audited(nil)
	s := shown(t, p, 1)
	n := says(2, 2)
	if d := toss(t, p, s, n, tails); d.Hit || !d.Answered || d.Class != 2 || d.CacheEvent != schemas.CacheNone || !slices.Equal(n.asked, []string{"0", "full"}) {
		t.Fatalf("%+v, asked %v", d, n.asked)
	}
	if d := toss(t, p, s, says(2, 2), tails); !d.Hit {
		t.Errorf("the class was confirmed, and the next frame of it is %+v", d)
	}
}

// Where the answer turns to another class that the stream has shown, the full model has the first frame of it, until such
// confirmations have cost what the frames before saved.
func TestATurnToAShownClassIsConfirmed(t *testing.T) {
	p := audited(nil)
	s := shown(t, p, 1)
	for range 20 { // both classes stay in the window
		toss(t, p, s, says(2, 2), heads)
		toss(t, p, s, says(1, 1), heads)
	}
	if !p.holds(s, 1) || !p.holds(s, 2) {
		t.Fatalf("window %v", s.Window)
	}
	s.Trust.Spent, s.Trust.Class = 0, 2
	if d := toss(t, p, s, says(1, 1), tails); !d.Hit {
		t.Fatalf("the class is the last answer's: %+v", d)
	}
	turns, asked := 60, 0
	for i := range turns {
		if d := toss(t, p, s, says(1+(i+1)%2, 1+(i+1)%2), tails); !d.Hit {
			asked++
		}
	}
	if most := (mostSpent + turns) / confirmEvery; asked == 0 || asked > most {
		t.Errorf("%d of %d turns were confirmed; they may cost %d", asked, turns, most)
	}
}

// An unknown object that the net takes for a class that the stream has shown, though not last, is caught at its first frame.
func TestANetThatMistakesWhatIsNewForAShownClassIsLeft(t *testing.T) {
	p := audited(nil)
	s := shown(t, p, 1)
	toss(t, p, s, says(2, 2), heads)
	toss(t, p, s, says(2, 2), heads)
	if !p.holds(s, 1) {
		t.Fatalf("window %v", s.Window)
	}
	if d := toss(t, p, s, says(1, 3), tails); d.Hit || d.Class != 3 || s.Trust.Mode != probation {
		t.Errorf("%+v, mode %d", d, s.Trust.Mode)
	}
}

// A net that takes what is new for a known class is left at its first frame, with the right answer.
func TestANetThatMistakesWhatIsNewIsLeftAtOnce(t *testing.T) {
	p := audited(nil)
	s := shown(t, p, 1)
	d := toss(t, p, s, says(2, 3), tails)
	if d.Hit || d.Class != 3 || d.CacheEvent != schemas.TrustBypass || s.Trust.Mode != probation {
		t.Fatalf("%+v, mode %d", d, s.Trust.Mode)
	}
	for i := range 10 {
		if d := toss(t, p, s, says(2, 3), tails); d.Class != 3 {
			t.Fatalf("frame %d: %+v", i, d)
		}
	}
	if s.Trust.Mode != distrust {
		t.Errorf("mode %d after ten wrong answers", s.Trust.Mode)
	}
}

// Without audits, or where the full model does not answer beside the stream, a hit is a hit.
func TestOnlyAuditedStreamsConfirm(t *testing.T) {
	for name, edit := range map[string]func(*Settings){
		"no audits":        func(s *Settings) { s.AuditRate = 0 },
		"selector teaches": func(s *Settings) { s.Teacher = Selector },
	} {
		p := audited(edit)
		if d := toss(t, p, shown(t, p, 1), says(2, 3), tails); !d.Hit || d.Class != 2 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
