package transforms

import (
	"testing"

	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

func TestRowsOfAnswers(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Feedback })
	miss, hit := schemas.Outcome{Outcome: schemas.Miss, SmallLabel: "green"}, schemas.Outcome{Outcome: schemas.Hit, Label: "green", Audited: true}
	early := schemas.Outcome{Outcome: schemas.Miss, Label: "green", Model: "specialist-00", Provisional: true}
	full := schemas.Outcome{Outcome: schemas.Miss, Label: "red", Confidence: 0.9, Entropy: 0.3, Model: "full", ModelSHA256: "sha", FullUs: 7}
	none := schemas.Outcome{Outcome: schemas.Error, Stage: schemas.StageDecode, Error: "broken"}
	for name, c := range map[string]struct {
		row, full schemas.Outcome
		right     func(o schemas.Outcome) bool
	}{
		"miss": {miss, full, func(o schemas.Outcome) bool {
			return o.Outcome == schemas.Miss && o.Label == "red" && o.Confidence == 0.9 && o.Model == "full" && o.ModelSHA256 == "sha" && o.FullUs == 7 && o.SmallLabel == "green"
		}},
		"provisional": {early, full, func(o schemas.Outcome) bool {
			return o.Label == "red" && o.Model == "full" && o.Provisional && !o.Degraded
		}},
		"audit": {hit, full, func(o schemas.Outcome) bool {
			return o.Outcome == schemas.Hit && o.Label == "green" && o.AuditLabel == "red"
		}},
		"no answer": {miss, none, func(o schemas.Outcome) bool {
			return o.Outcome == schemas.Error && o.Stage == schemas.StageDecode && o.Error == "broken"
		}},
		"none in time": {early, none, func(o schemas.Outcome) bool {
			return o.Outcome == schemas.Miss && o.Degraded && o.Label == "green" && o.Error == "broken"
		}},
		"audit unanswered": {hit, none, func(o schemas.Outcome) bool {
			return o.Outcome == schemas.Hit && o.Label == "green" && o.AuditLabel == "" && o.Error == ""
		}},
	} {
		if o := n.told(&schemas.Answer{Row: c.row, Full: c.full}); !c.right(o) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestOnlyAnswersTeach(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Feedback })
	for label, teaches := range map[string]bool{"red": true, "unheard of": false, "": false} {
		var st, before policy.State
		n.policy.Next(&st)
		before.Set(&st)
		n.teach(&st, &schemas.Answer{Row: schemas.Outcome{Outcome: schemas.Miss}, Full: schemas.Outcome{Outcome: schemas.Miss, Label: label, Confidence: 0.9}}, nil)
		if moved := st.Window[n.classes["red"]] > before.Window[n.classes["red"]]; moved != teaches {
			t.Errorf("%q: the window moved: %v", label, moved)
		}
	}
}
