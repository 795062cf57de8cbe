package transforms

import (
	"math"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

const knownPart = "transforms.Known"

// Known holds what the full model said of frames before, so that frames that are looked at once more do not need it again. A
// row has the class and its probability alone: the rest of the distribution is taken as even over the other classes. Once its
// job has started it is only read.
type Known struct {
	answers map[Place]knownAnswer
}

type knownAnswer struct {
	label      string
	confidence float32
	us         float32
}

// Add keeps the full model's answer that a row of a miss of the job's topic has.
func (k *Known) Add(o *schemas.Outcome) {
	if k.answers == nil {
		k.answers = map[Place]knownAnswer{}
	}
	k.answers[placeOf(o)] = knownAnswer{o.Label, o.Confidence, o.FullUs}
}

// Frames is of how many frames the answer is known.
func (k *Known) Frames() int { return len(k.answers) }

// UseKnown lets the job take the full model's answers from k where they are there. Call it before the job starts.
func UseKnown(job *session.Session, k *Known) error {
	_, err := session.Part(job, knownPart, func() (*Known, error) { return k, nil })
	return err
}

// known returns what the job takes from earlier rows; nil: nothing.
func known(job *session.Session) *Known {
	if job == nil {
		return nil
	}
	k, _ := session.Get[*Known](job, knownPart)
	return k
}

// logits writes to dst logits that stand for the known answer about a frame at the full model's temperature, and returns
// what the model took then, in µs.
func (k *Known) logits(dst []float32, at Place, n *nets) (us float32, ok bool) {
	if k == nil {
		return 0, false
	}
	a, ok := k.answers[at]
	if !ok {
		return 0, false
	}
	class, ok := n.classes[a.label]
	if !ok {
		return 0, false
	}
	rest := max((1-float64(a.confidence))/float64(max(1, len(dst)-1)), math.SmallestNonzeroFloat32)
	for c := range dst {
		dst[c] = 0
	}
	dst[class] = n.pack.Full.Temperature * float32(math.Log(max(float64(a.confidence), rest)/rest))
	return a.us, true
}

// recall puts a known answer of the full model into the row of a miss, or of an audit, and reports whether there is one.
func (n *nets) recall(k *Known, out *schemas.Outcome) bool {
	if k == nil {
		return false
	}
	logits := make([]float32, len(n.pack.Classes))
	us, ok := k.logits(logits, placeOf(out), n)
	if !ok {
		return false
	}
	a, err := policy.Read(logits, n.pack.Full.Temperature)
	if err != nil {
		return false
	}
	out.FullUs = us
	if out.Outcome != schemas.Miss {
		out.AuditLabel = n.pack.Classes[a.Class]
		return true
	}
	n.answer(out, a, models.FullNet)
	return true
}

// classesOf numbers the classes of a pack.
func classesOf(p *models.Pack) map[string]int {
	all := make(map[string]int, len(p.Classes))
	for i, c := range p.Classes {
		all[c] = i
	}
	return all
}
