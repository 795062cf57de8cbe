package transforms

import (
	"math"
	"testing"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// known answers of the full model about the frame at offset 7, which the model itself would call red.
func knows(label string, confidence float32) *Known {
	k := &Known{}
	k.Add(&schemas.Outcome{Offset: 7, Label: label, Confidence: confidence, FullUs: 321})
	return k
}

// A known answer stands for the full model's, teaches the stream, and keeps the time that it took.
func TestAKnownAnswerStandsForTheFullModels(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher, s.Score, s.Threshold = policy.Inline, policy.Confidence, 2 })
	w, class := walkOf(n, nil), n.classes["green"]
	w.single.known = knows("green", 0.9)
	var st policy.State
	done, _ := w.one(&st, []schemas.Frame{pixel(7, 255, 0, 0), pixel(8, 255, 0, 0)})
	first, second := done.Rows[0], done.Rows[1]
	if first.Label != "green" || math.Abs(float64(first.Confidence)-0.9) > 1e-4 || first.FullUs != 321 {
		t.Errorf("%+v", first)
	}
	if second.Label != "red" || second.FullUs == 321 {
		t.Errorf("nothing is known of it: %+v", second)
	}
	var alone policy.State
	walkOf(n, nil).one(&alone, []schemas.Frame{pixel(7, 255, 0, 0), pixel(8, 255, 0, 0)})
	if !(st.Window[class] > alone.Window[class]+0.01) {
		t.Errorf("window %v, without the known answer %v", st.Window, alone.Window)
	}
}

// The full-model transform takes known answers too, of misses and of audits, and asks the model about the others.
func TestTheFullModelTransformTakesKnownAnswers(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Selector })
	job := session.Open("g", 0)
	defer job.Close()
	if err := UseKnown(job, knows("green", 0.9)); err != nil {
		t.Fatal(err)
	}
	miss, audit, other := pixel(7, 255, 0, 0), pixel(7, 255, 0, 0), pixel(8, 255, 0, 0)
	batch := []schemas.Missed{{Outcome: n.blank(&miss), Frame: miss}, {Outcome: n.blank(&audit), Frame: audit}, {Outcome: n.blank(&other), Frame: other}}
	batch[1].Outcome.Outcome, batch[1].Outcome.Label = schemas.Hit, "red"
	rows := n.answerBatch(batch, job, &asker{net: n.fullNet(job)}).Rows
	if r := rows[0]; r.Label != "green" || r.FullUs != 321 || r.Model != "full" {
		t.Errorf("miss: %+v", r)
	}
	if r := rows[1]; r.Label != "red" || r.AuditLabel != "green" {
		t.Errorf("audit: %+v", r)
	}
	if r := rows[2]; r.Label != "red" {
		t.Errorf("unknown: %+v", r)
	}
}

// A class that the pack does not have is no answer of its full model.
func TestAKnownAnswerOfAnotherPackIsNotUsed(t *testing.T) {
	n := netsOf(t, true, func(*policy.Settings) {})
	if _, ok := knows("zebra", 0.9).logits(make([]float32, len(n.pack.Classes)), Place{Offset: 7}, n); ok {
		t.Error("it was used")
	}
}
