package evaluation

import (
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// Recalibrated is what a run's rows say about the temperature and the threshold of the pack that wrote them.
type Recalibrated struct {
	Pack      string  `json:"pack"` // whose rows they are
	Rows      int     `json:"rows"` // of that pack, of every outcome
	Audited   int     `json:"audited_hits"`
	Misses    int     `json:"misses"` // of which the small net's answer is known
	Wrong     int     `json:"wrong"`  // answers of the small net among both that the full model contradicts
	Effective float64 `json:"effective_rows"`
	Budget    float64 `json:"max_accuracy_loss"`

	Scale     float64       `json:"temperature_scale"` // the small nets' temperatures are multiplied by it
	Threshold [2]float32    `json:"threshold"`         // of the settings that the run used: before, after
	Now       Recalibration `json:"now"`               // on these rows, as the pack is
	Then      Recalibration `json:"then"`              // on these rows, as it becomes
}

// Recalibration is what a threshold means on the rows at hand, as if the small net's answer stood wherever it passes.
type Recalibration struct {
	HitRate float64 `json:"hit_rate"`
	Loss    float64 `json:"loss"` // frames answered otherwise than by the full model, of all frames
	Upper   float64 `json:"loss_upper"`
}

// Changed reports whether the pack becomes another one.
func (r *Recalibrated) Changed() bool { return r.Scale != 1 || r.Threshold[0] != r.Threshold[1] }

// leastJudged is how many answers of the small net have to be known beside the full model's, whatever they say.
const leastJudged = 200

// leastWrong is how many of them have to be wrong, and right, for a temperature.
const leastWrong = 10

// judged is one answer of the small net that the full model's is known for.
type judged struct {
	score  float64 // confidence, or entropy
	logOdd float64 // of the confidence
	weight float64 // frames that it stands for: 1 for a miss, 1/audit_rate for a hit
	right  bool
	named  bool // a class of its own; "other" never passes
	track  int  // stretch of its stream in which the full model's answer stays the same
}

// sample gathers what rows say.
type sample struct {
	pack       *models.Pack
	out        *Recalibrated
	all        []judged
	last       map[string]string // the full model's last answer of each stream
	tracks     map[string]int
	total      int // tracks
	thresholds map[float32]int
}

// Recalibrate refits temperature and threshold of the pack on rows of a run with it: audited hits, each of which stands for
// 1/audit_rate hits, and misses that name the small net's answer. Right is what the full model says. Only rows that
// the pack's own policy wrote count.
//
// Rows hold a confidence, not logits. So one factor for the temperatures of all small nets is fitted through the log-odds of
// the confidence (Platt scaling without its offset: Platt, "Probabilistic Outputs for Support Vector Machines",
// 1999), the prior included; it is the temperature where two classes are in question and the prior is even. It is 1 unless
// the likelihood favours another one clearly. The threshold is the loosest at which, and at all stricter ones, the upper bound of the loss at
// 1-budget.Alpha keeps budget.Loss (fixed-sequence testing); the bound is the larger one of [clusters.upper] over stretches of
// one answer and that of Clopper and Pearson at the effective number of rows (Kish, "Survey Sampling", 1965).
func Recalibrate(p *models.Pack, rows iter.Seq2[schemas.Outcome, error], budget Budget) (*Recalibrated, error) {
	if p.Policy.Kind != policy.Window || len(p.Specialists) == 0 {
		return nil, fmt.Errorf("pack %s: only a pack with the policy window has what can be recalibrated; its policy is %q", p.ID(), p.Policy.Kind)
	}
	s := sample{pack: p, out: &Recalibrated{Pack: p.ID(), Budget: budget.Loss, Scale: 1},
		last: map[string]string{}, tracks: map[string]int{}, thresholds: map[float32]int{}}
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		s.row(&row)
	}
	if err := s.enough(budget); err != nil {
		return nil, err
	}
	s.threshold()
	s.temperature()
	return s.out, s.refit(budget)
}

// row takes what one row says.
func (s *sample) row(o *schemas.Outcome) {
	if o.Pack != s.pack.ID() || o.Policy != "" {
		return
	}
	s.out.Rows++
	j := judged{named: true}
	full := o.Label
	switch {
	case o.Outcome == schemas.Hit && o.Audited && o.AuditLabel != "" && o.AuditRate > 0:
		full = o.AuditLabel
		j.weight, j.right = 1/float64(o.AuditRate), o.Label == full
		j.score = s.score(o.Confidence, o.Entropy)
		j.logOdd = logOdds(o.Confidence)
		s.out.Audited++
	case o.Outcome == schemas.Miss && !o.Degraded && o.SmallConfidence > 0 && o.ModelSHA256 == s.pack.Full.SHA256:
		j.weight, j.right, j.named = 1, o.SmallLabel == full, o.SmallLabel != ""
		j.score = s.score(o.SmallConfidence, o.SmallEntropy)
		j.logOdd = logOdds(o.SmallConfidence)
		s.out.Misses++
	default:
		return
	}
	if !j.right && j.named {
		s.out.Wrong++
	}
	s.thresholds[o.Threshold]++
	if last, seen := s.last[o.Stream]; !seen || last != full {
		s.tracks[o.Stream], s.last[o.Stream] = s.total, full
		s.total++
	}
	j.track = s.tracks[o.Stream]
	s.all = append(s.all, j)
}

func (s *sample) score(confidence, entropy float32) float64 {
	if s.pack.Policy.Score == policy.Entropy {
		return float64(entropy)
	}
	return float64(confidence)
}

// logOdds of a confidence; beyond what its 32 bits can tell from certainty there is none.
func logOdds(confidence float32) float64 {
	c := min(max(float64(confidence), 1e-7), 1-6e-8)
	return math.Log(c / (1 - c))
}

// enough refuses rows that are too few.
func (s *sample) enough(budget Budget) error {
	if s.out.Rows == 0 {
		return fmt.Errorf("no row of pack %s that its own policy decided: name the data set of a run with this version, without --policy, --policy-file and --set", s.out.Pack)
	}
	var sum, squares float64
	for _, j := range s.all {
		sum, squares = sum+j.weight, squares+j.weight*j.weight
	}
	if squares > 0 {
		s.out.Effective = sum * sum / squares
	}
	need := max(leastJudged, ruleOfThree(budget.Loss, budget.Alpha))
	if n := len(s.all); n < need {
		return fmt.Errorf("%d rows say what the small net and the full model answered (%d audited hits, %d misses), of %d: at least %d are needed for a budget of %.2g points; run longer, or with a higher --audit-rate",
			n, s.out.Audited, s.out.Misses, s.out.Rows, need, 100*budget.Loss)
	}
	return nil
}

// threshold finds the one that the run used: pack settings have several, and audits may have made it stricter here and there.
func (s *sample) threshold() {
	most := -1
	for _, known := range settingsOf(&s.pack.Manifest) {
		if n := s.thresholds[known.Threshold]; n > most {
			most, s.out.Threshold[0] = n, known.Threshold
		}
	}
}

// temperature fits the factor of the temperatures; it stays 1 where the threshold is one of an entropy, which does not tell
// what another temperature would make of it.
func (s *sample) temperature() {
	right, wrong := 0, 0
	for _, j := range s.all {
		right, wrong = right+count(j.right), wrong+count(!j.right && j.named)
	}
	if right < leastWrong || wrong < leastWrong || s.pack.Policy.Score == policy.Entropy {
		return
	}
	cost := func(logScale float64) float64 {
		var sum, weights float64
		for _, j := range s.all {
			if !j.named {
				continue
			}
			z := j.logOdd / math.Exp(logScale)
			if j.right {
				z = -z
			}
			sum, weights = sum+j.weight*math.Log1p(math.Exp(z)), weights+j.weight
		}
		return sum / weights
	}
	best := minimise(cost, math.Log(0.1), math.Log(10))
	// twice the gain of the likelihood is chi-squared with one degree of freedom; rows of one stretch are alike
	if gain := (cost(0) - cost(best)) * min(s.out.Effective, float64(s.total)); gain > clearly {
		s.out.Scale = math.Exp(best)
	}
}

// clearly is the gain of the log-likelihood from which another temperature is taken: one in a thousand by chance.
const clearly = 5.4

// rescaled is a confidence at the new temperatures.
func (r *Recalibrated) rescaled(logOdd float64) float64 { return 1 / (1 + math.Exp(-logOdd/r.Scale)) }

// scoreOf is what the hit test will compare with its threshold.
func (s *sample) scoreOf(j judged, scaled bool) float64 {
	if !scaled || s.out.Scale == 1 {
		return j.score
	}
	return s.out.rescaled(j.logOdd)
}

// at says what a threshold means on the rows.
func (s *sample) at(threshold float32, scaled bool, alpha float64) Recalibration {
	var all, passing, squares, wrong float64
	losses := newClusters(s.total)
	for _, j := range s.all {
		score := s.scoreOf(j, scaled)
		passes := j.named && score >= float64(threshold)
		if s.pack.Policy.Score == policy.Entropy {
			passes = j.named && score <= float64(threshold)
		}
		all += j.weight
		lost := 0.0
		if passes {
			passing, squares = passing+j.weight, squares+j.weight*j.weight
			if !j.right {
				lost = j.weight
				wrong += j.weight
			}
		}
		losses.sum[j.track] += lost
		losses.n[j.track] += j.weight
	}
	r := Recalibration{HitRate: passing / all, Loss: wrong / all}
	if passing > 0 {
		effective := passing * passing / squares
		r.Upper = max(r.HitRate*clopperPearson(effective*wrong/passing, effective, alpha), losses.upper(alpha))
	}
	return r
}

// refit finds the threshold.
func (s *sample) refit(budget Budget) error {
	old, kind := s.out.Threshold[0], s.pack.Policy.Score
	s.out.Now = s.at(old, false, budget.Alpha)
	found := false
	for z := strictest; z >= loosest; z -= finest {
		t := threshold(kind, z)
		r := s.at(t, true, budget.Alpha)
		if r.Upper > budget.Loss {
			break
		}
		s.out.Threshold[1], s.out.Then, found = t, r, found || r.HitRate > 0 // a threshold that nothing passes keeps any budget
	}
	switch need := ruleOfThree(budget.Loss, budget.Alpha); {
	case !found && s.out.Effective < float64(need):
		return fmt.Errorf("these rows are worth %.0f independent ones, of %d that are needed for a budget of %.2g points: no threshold that leaves hits is shown to keep it; "+
			"run longer, or with a higher --audit-rate, or allow a larger --max-accuracy-loss", s.out.Effective, need, 100*budget.Loss)
	case !found:
		return errors.New("no threshold is shown to keep the budget: the full model contradicts the small net even where it is surest; train it again, or allow a larger --max-accuracy-loss")
	}
	if s.out.Scale == 1 && s.out.Now.Upper <= budget.Loss && math.Abs(strictness(kind, old)-strictness(kind, s.out.Threshold[1])) <= 2*finest {
		s.out.Threshold[1], s.out.Then = old, s.out.Now
	}
	return nil
}
