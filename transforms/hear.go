package transforms

import (
	"cmp"
	"errors"
	"log/slog"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// hear lets the gathered streams learn from what a server answered about their earlier frames, before they look at new ones.
// Frames about which it took too long are answered by the full model here. It returns the rows that are settled thereby.
func (fn *lookupFn) hear() (rows []schemas.Outcome) {
	var here []schemas.Missed
	for i := range fn.strands {
		s := &fn.strands[i]
		for k := range s.answers {
			a := &s.answers[k]
			fn.walk.nets.heard(&a.Full)
			switch {
			case len(a.Frame.Image) > 0:
				a.Row.Offload = schemas.OffloadHedge
				here = append(here, schemas.Missed{Outcome: a.Row, Frame: a.Frame})
			default:
				if out := fn.settle(s.st, a, nil); !a.Late {
					rows = append(rows, out)
				}
			}
		}
	}
	return append(rows, fn.here(here)...)
}

// told is the row of a frame that a server was asked about.
func (n *nets) told(a *schemas.Answer) schemas.Outcome {
	out, full := a.Row, &a.Full
	switch {
	case full.Outcome == schemas.Error || full.Label == "":
		return unanswered(out, cmp.Or(full.Stage, schemas.StageFull), errors.New(cmp.Or(full.Error, "the server has no answer")))
	case out.Outcome != schemas.Miss:
		out.AuditLabel = full.Label
	default:
		out.Label, out.Confidence, out.Entropy = full.Label, full.Confidence, full.Entropy
		out.Model, out.ModelSHA256 = cmp.Or(full.Model, models.FullNet), full.ModelSHA256
	}
	out.FullUs = full.FullUs
	return out
}

// teach moves a stream's state by an answer of the full model. A server's has one class and its probability, and no q: the rest
// of the distribution is taken as even over the other classes. A class that the pack here does not have teaches nothing.
func (n *nets) teach(st *policy.State, a *schemas.Answer, q []float32) (event string) {
	full := &a.Full
	class, ok := n.classes[full.Label]
	if !ok || full.Outcome == schemas.Error || n.policy.Routes() {
		return schemas.CacheNone
	}
	if q == nil {
		q = make([]float32, len(n.pack.Classes))
		policy.Spread(q, class, full.Confidence)
	}
	event, err := n.policy.Heard(st, q, n.earlier(&a.Row))
	if err != nil {
		slog.Warn("a server's answer teaches nothing", "stream", full.Stream, "origin", full.Origin, "error", err)
	}
	return event
}

// earlier is what the stream needs to know of the frame that a row is of: what the small net said, and whether that stands.
func (n *nets) earlier(row *schemas.Outcome) policy.Earlier {
	e := policy.Earlier{Outcome: row.Outcome, Sure: -1}
	if class, ok := n.classes[row.Label]; ok && row.Outcome == schemas.Hit {
		e.Sure = class
	}
	if class, ok := n.classes[row.SmallLabel]; ok && row.Outcome == schemas.Miss {
		if a := (policy.Answer{Class: class, Confidence: row.SmallConfidence, Entropy: row.SmallEntropy}); n.policy.Sure(a, row.Threshold) {
			e.Sure = class
		}
	}
	return e
}
