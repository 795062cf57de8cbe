package transforms

import (
	"testing"

	"github.com/cachenet/cachenet/models"
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
		if o := n.answered(&schemas.Answer{Row: c.row, Full: c.full}); !c.right(o) {
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
		a := &schemas.Answer{Row: schemas.Outcome{Outcome: schemas.Miss}, Full: schemas.Outcome{Outcome: schemas.Miss, Label: label, Confidence: 0.9}}
		n.teach(&st, a, n.stated(&a.Full))
		if moved := st.Window[n.classes["red"]] > before.Window[n.classes["red"]]; moved != teaches {
			t.Errorf("%q: the window moved: %v", label, moved)
		}
	}
}

// What an answer says of several classes is known as it is, and the rest is spread; an old server names one.
func TestAnAnswerStandsForADistribution(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Feedback })
	of := func(top ...schemas.Ranked) []float32 {
		return n.stated(&schemas.Outcome{Outcome: schemas.Miss, Label: "red", Confidence: 0.6, Top: top})
	}
	for name, c := range map[string]struct{ got, want []float32 }{
		"one class":     {of(), []float32{0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3}},
		"several":       {of(schemas.Ranked{Label: "red", Probability: 0.6}, schemas.Ranked{Label: "blue", Probability: 0.3}), []float32{0.6, 0.05, 0.3, 0.05}},
		"unknown class": {of(schemas.Ranked{Label: "pink", Probability: 0.3}, schemas.Ranked{Label: "blue", Probability: 0.1}), []float32{0.6, 0.15, 0.1, 0.15}},
		"too much":      {of(schemas.Ranked{Label: "blue", Probability: 0.7}), nil},
	} {
		if len(c.got) != len(c.want) {
			t.Errorf("%s: %v", name, c.got)
			continue
		}
		for i := range c.want {
			if d := c.got[i] - c.want[i]; d > 1e-6 || d < -1e-6 {
				t.Errorf("%s: %v, want %v", name, c.got, c.want)
			}
		}
	}
	if q := n.stated(&schemas.Outcome{Outcome: schemas.Error, Label: "red"}); q != nil {
		t.Errorf("no answer stands for %v", q)
	}
}

// A stream that has shown blue for a while turns a doubtful red into blue, and no audit, degraded or sure answer into anything.
func TestFusedAnswersFollowTheStream(t *testing.T) {
	doubtful := []float32{0.5, 0.01, 0.48, 0.01}
	for name, c := range map[string]struct {
		fuse  float32
		row   schemas.Outcome
		q     []float32
		label string
	}{
		"fused":    {1, schemas.Outcome{Outcome: schemas.Miss, Label: "red"}, doubtful, "blue"},
		"not set":  {0, schemas.Outcome{Outcome: schemas.Miss, Label: "red"}, doubtful, "red"},
		"sure":     {1, schemas.Outcome{Outcome: schemas.Miss, Label: "red"}, []float32{0.999, 0, 0.001, 0}, "red"},
		"audit":    {1, schemas.Outcome{Outcome: schemas.Hit, Label: "red"}, doubtful, "red"},
		"degraded": {1, schemas.Outcome{Outcome: schemas.Miss, Label: "red", Degraded: true}, doubtful, "red"},
		"unknown":  {1, schemas.Outcome{Outcome: schemas.Miss, Label: "pink"}, nil, "pink"},
	} {
		n := netsOf(t, true, func(s *policy.Settings) { s.Teacher, s.Fuse = policy.Feedback, c.fuse })
		var st policy.State
		n.policy.Next(&st)
		for range 5 {
			if _, err := n.policy.Teach(&st, []float32{0, 0, 1, 0}); err != nil {
				t.Fatal(err)
			}
		}
		c.row.ModelSHA256 = "sha"
		fused := c.row
		n.fuse(&fused, &st, c.q)
		if changed := fused.Model == models.FusedNet; fused.Label != c.label || changed != (name == "fused" || name == "sure") || changed == (fused.ModelSHA256 == "sha") {
			t.Errorf("%s: %+v", name, fused)
		}
	}
}

// Only a device's frame gets the likeliest classes, and only where there are several.
func TestAnswersToDevicesRankClasses(t *testing.T) {
	n := netsOf(t, true, func(*policy.Settings) {})
	device, own, sure := schemas.Outcome{Origin: "d/t/0/1/00000000"}, schemas.Outcome{}, schemas.Outcome{Origin: "d/t/0/1/00000000"}
	logits := []float32{2, 1, 0, -9}
	n.rank(&device, logits)
	n.rank(&own, logits)
	n.rank(&sure, []float32{20, 0, 0, 0})
	if len(device.Top) != 3 || device.Top[0].Label != "red" || device.Top[1].Label != "green" || device.Top[0].Probability != 0.6652 {
		t.Errorf("%+v", device.Top)
	}
	if own.Top != nil || sure.Top != nil {
		t.Errorf("%+v, %+v", own.Top, sure.Top)
	}
}

// What the small net said of a miss is known to its stream, whether it was sure or not.
func TestWhatTheSmallNetSaidIsKnown(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Feedback })
	green := n.classes["green"]
	miss := func(label string, confidence float32) *schemas.Outcome {
		return &schemas.Outcome{Outcome: schemas.Miss, SmallLabel: label, SmallConfidence: confidence, Threshold: 0.8}
	}
	for name, c := range map[string]struct {
		row  *schemas.Outcome
		want policy.Earlier
	}{
		"sure":      {miss("green", 0.9), policy.Earlier{Outcome: schemas.Miss, Sure: green}},
		"unsure":    {miss("green", 0.7), policy.Earlier{Outcome: schemas.Miss, Sure: -1, Unsure: green + 1}},
		"not asked": {miss("", 0), policy.Earlier{Outcome: schemas.Miss, Sure: -1}},
		"hit":       {&schemas.Outcome{Outcome: schemas.Hit, Label: "green"}, policy.Earlier{Outcome: schemas.Hit, Sure: green}},
	} {
		if got := n.earlier(c.row); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
