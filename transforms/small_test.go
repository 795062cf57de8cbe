package transforms

import (
	"testing"

	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// The row of a miss says what the small net said, whether the miss is answered here or by the full-model transform; the row
// of a hit says it as its answer.
func TestARowOfAMissTellsWhatTheSmallNetSaid(t *testing.T) {
	for name, never := range map[string]func(*policy.Settings){
		"inline":    func(s *policy.Settings) { s.Teacher, s.Score, s.Threshold = policy.Inline, policy.Confidence, 2 },
		"transform": func(s *policy.Settings) { s.Teacher, s.Score, s.Threshold = policy.Selector, policy.Confidence, 2 },
	} {
		var st policy.State
		done, pending := walkOf(netsOf(t, true, never), nil).one(&st, []schemas.Frame{pixel(0, 255, 0, 0), pixel(1, 255, 0, 0)})
		rows := done.Rows
		for _, m := range pending.Frames {
			rows = append(rows, m.Outcome)
		}
		if len(rows) != 2 {
			t.Fatalf("%s: %d rows", name, len(rows))
		}
		for _, r := range rows {
			if r.Outcome != schemas.Miss || r.SmallLabel == "" || !(r.SmallConfidence > 0 && r.SmallConfidence <= 1) {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	var st policy.State
	done, _ := walkOf(netsOf(t, true, func(s *policy.Settings) { s.Score, s.Threshold = policy.Confidence, 0 }), nil).one(&st, []schemas.Frame{pixel(0, 255, 0, 0)})
	if r := done.Rows[0]; r.Outcome != schemas.Hit || r.Label == "" || r.SmallLabel != "" || r.SmallConfidence != 0 {
		t.Errorf("%+v", r)
	}
}
