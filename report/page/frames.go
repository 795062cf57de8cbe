package page

import (
	"fmt"
	"html/template"

	"github.com/cachenet/cachenet/schemas"
)

// Frames are the last frames of one stream, on a page that follows a run.
type Frames struct {
	Stream  string  // empty: none is chosen yet
	Limit   int     // how many are shown at most
	Shown   []Frame // the latest first
	Skipped int64   // frames that were not kept, since too many were in flight or too large
	Refused string  // why the frames cannot be shown; empty: they can
}

// Frame is one of them, with its row.
type Frame struct {
	schemas.Outcome
	Picture template.URL // data URL of the image; empty: it is none
}

// answerView is what the page says beside a frame.
type answerView struct{ Small, Full, Verdict, Mood string }

// beside says what the small net and the full model answered.
func beside(o Frame) answerView {
	v := answerView{Small: "not asked", Full: "not asked", Verdict: o.Outcome.Outcome}
	switch o.Outcome.Outcome {
	case schemas.Hit, schemas.Same:
		v.Small = sure(o.Label, o.Confidence)
		if o.Outcome.Outcome == schemas.Same {
			v.Small, v.Verdict = o.Label, "repeated answer"
		}
		if o.Audited {
			v.Full = o.AuditLabel
			if v.Full == "" {
				v.Full = "gave no answer"
			}
		}
	case schemas.Miss:
		if o.SmallConfidence > 0 || o.SmallLabel != "" {
			v.Small = sure(o.SmallLabel, o.SmallConfidence)
		}
		if v.Full = sure(o.Label, o.Confidence); o.Degraded {
			v.Small, v.Full = v.Full, "gave no answer"
		}
	default:
		v.Verdict, v.Mood = "error: "+o.Error, "bad"
		return v
	}
	reference, of := o.Truth, "it is "+o.Truth
	if reference == "" {
		reference, of = o.AuditLabel, "the full model disagrees"
	}
	if reference != "" && reference != o.Label {
		v.Verdict, v.Mood = v.Verdict+", wrong: "+of, "bad"
	}
	return v
}

func sure(label string, confidence float32) string {
	if label == "" {
		label = "other"
	}
	return fmt.Sprintf("%s, %.0f %%", label, 100*confidence)
}
