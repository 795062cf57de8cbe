package transforms

import (
	"cmp"
	"errors"
	"log/slog"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// learnAnswers updates the gathered streams with the server's answers to their earlier frames, before they decide new ones.
// Frames whose answer took too long are answered by the full model on the device. It returns the settled rows.
func (fn *lookupFn) learnAnswers() (rows []schemas.Outcome) {
	var here []schemas.Missed
	for i := range fn.strands {
		s := &fn.strands[i]
		for k := range s.answers {
			a := &s.answers[k]
			fn.walk.nets.answeredBy(&a.Full)
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

// answered returns the row of a frame that was sent to a server.
func (n *nets) answered(a *schemas.Answer) schemas.Outcome {
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

// teach updates a stream's state with the full model's answer, whose distribution is q; nil: no update.
func (n *nets) teach(st *policy.State, a *schemas.Answer, q []float32) (event string) {
	if q == nil || n.policy.Routes() {
		return schemas.CacheNone
	}
	event, err := n.policy.TeachLate(st, q, n.earlier(&a.Row))
	if err != nil {
		slog.Warn("a server's answer does not update its stream", "stream", a.Full.Stream, "origin", a.Full.Origin, "error", err)
	}
	return event
}

// stated returns the distribution of a server's answer: the probabilities that it lists (one, from an older server), and the
// rest spread evenly over the other classes. It is nil if there is no answer, or one with a class that this pack does not have.
func (n *nets) stated(full *schemas.Outcome) []float32 {
	class, ok := n.classes[full.Label]
	if !ok || full.Outcome == schemas.Error {
		return nil
	}
	classes, p := []int{class}, []float32{full.Confidence}
	for _, r := range full.Top {
		if c, ok := n.classes[r.Label]; ok && c != class {
			classes, p = append(classes, c), append(p, r.Probability)
		}
	}
	q := make([]float32, len(n.pack.Classes))
	if err := policy.Spread(q, classes, p); err != nil {
		slog.Warn("a server's answer does not update its stream", "stream", full.Stream, "origin", full.Origin, "error", err)
		return nil
	}
	return q
}

// fuse gives the row of a miss the class that is likeliest by the full model's distribution q and the stream's window
// together. Since that is not the full model's answer any more, the row has no model_sha256.
func (n *nets) fuse(out *schemas.Outcome, st *policy.State, q []float32) {
	if q == nil || out.Outcome != schemas.Miss || out.Degraded {
		return
	}
	prior, fused := make([]float32, len(q)), make([]float32, len(q))
	if !n.policy.FusePrior(prior, st) {
		return
	}
	if _, err := (offload.Fusion{Prior: float64(n.policy.Fuse)}).Combine(fused, q, prior); err != nil {
		slog.Warn("a server's answer was not fused: its row has it unchanged", "stream", out.Stream, "origin", out.Origin, "error", err)
		return
	}
	a := policy.Likeliest(fused)
	out.Label, out.Confidence, out.Entropy = n.pack.Classes[a.Class], a.Confidence, a.Entropy
	out.Model, out.ModelSHA256 = models.FusedNet, ""
}

// earlier returns what a row says about its frame's small-net answer, for the stream to learn from.
func (n *nets) earlier(row *schemas.Outcome) policy.Earlier {
	e := policy.Earlier{Outcome: row.Outcome, Sure: -1}
	if class, ok := n.classes[row.Label]; ok && row.Outcome == schemas.Hit {
		e.Sure = class
	}
	if class, ok := n.classes[row.SmallLabel]; ok && row.Outcome == schemas.Miss {
		if a := (policy.Answer{Class: class, Confidence: row.SmallConfidence, Entropy: row.SmallEntropy}); n.policy.Sure(a, row.Threshold) {
			e.Sure = class
		} else {
			e.Unsure = class + 1
		}
	}
	return e
}
