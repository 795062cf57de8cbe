package main

import (
	"math"
	"time"

	"github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/policy"
)

// defaultWindow is the policy of nets that are not a pack.
var defaultWindow = policy.Settings{Kind: policy.Window, Score: policy.Confidence, Threshold: 0.9, Alpha: 0.08, Decay: 0.8, Capacity: 1, Share: 0.05}

var defaultPaper = policy.Settings{Kind: policy.Paper, Score: policy.Entropy, Threshold: 0.3, Alpha: 1, Decay: 0.8, Capacity: 1}

const (
	tuneSeed    = 9001 // never that of a reported run
	tuneRuns    = 4
	tuneDevices = 4
	budget      = 0.01  // of accuracy that may be lost against the full model on every frame …
	reserve     = 0.006 // … of which settings leave so much unused where they are tuned
	formLoss    = 0.003 // that a smaller form may cost where the full model looks at it
	heldNets    = 3     // specialists that a device of the paper's protocol holds
	auditRate   = 0.01  // of hits: the default of devices (policy.DefaultAuditRate)
)

// plan holds the settings chosen on the tuning part.
type plan struct {
	plain, window, paper policy.Settings
	missed, all          offload.Fusion // fitted on misses, on all frames
	forms                []int          // that lose no more than formLoss
	smallest             int            // of these, the one with the fewest bytes
}

// tuning is the link that settings are tuned on.
func tuning() condition {
	return condition{Name: "20 Mbit/s, 50 ms", phases: []phase{{shape: link.Shape{Rate: 20e6, RTT: 50 * time.Millisecond}}}}
}

func tune(f *facts, frames int) (plan, error) {
	p := plan{plain: f.Window, window: f.Window, paper: defaultPaper}
	p.plain.Alpha = 1
	p.window.AuditRate = auditRate
	if f.PaperPolicy != nil {
		p.paper = *f.PaperPolicy
	}
	p.paper.Capacity = heldNets
	full := f.Forms[0]
	whole := f.right(0)
	for i, form := range f.Forms {
		if whole-f.right(i) <= formLoss && (i == 0 || form.mean() < full.mean()) {
			p.forms = append(p.forms, i)
			if form.mean() < f.Forms[p.smallest].mean() {
				p.smallest = i
			}
		}
	}
	var missed, all []offload.Example
	if _, err := trial(f, contender{nets: "small", settings: p.window, always: true, fusion: &p.all, examples: &all}, frames); err != nil {
		return p, err
	}
	p.all = offload.Fit(all, 0.001)
	for _, one := range []struct {
		s    *policy.Settings
		nets string
	}{{&p.plain, "small"}, {&p.paper, "paper"}, {&p.window, "small"}} {
		if err := threshold(f, one.s, one.nets, frames); err != nil {
			return p, err
		}
	}
	if _, err := trial(f, contender{nets: "small", settings: p.window, miss: offload.Ask, fusion: &p.all, examples: &missed}, frames); err != nil {
		return p, err
	}
	p.missed = offload.Fit(missed, 0.005)
	return p, nil
}

// right returns the share of tuning frames that the full model gets right in a form.
func (f *facts) right(form int) float64 {
	n, all := 0.0, 0.0
	for _, r := range rowsOf(f.Tune) {
		n, all = n+share(policy.Largest(f.full[form][r]) == f.Labels[r]), all+1
	}
	return n / max(1, all)
}

// tried holds a contender's results on the tuning part.
type tried struct {
	loss  float64 // of accuracy against the full model on every frame
	worst float64 // the same, on the kind of stream that loses most
	hits  float64 // share of the frames
}

// trial runs a contender on the tuning part.
func trial(f *facts, k contender, frames int) (r tried, err error) {
	var lost, n [8]float64
	for s := range tuneRuns {
		t, err := simulate(f, f.Tune, tuning(), 5, k, tuneDevices, frames, tuneSeed+uint64(s))
		if err != nil {
			return r, err
		}
		for _, o := range t.frames {
			n[o.kind]++
			lost[o.kind] += share(f.best[o.row] == f.Labels[o.row]) - share(o.class == f.Labels[o.row])
			r.hits += share(o.hit)
		}
	}
	all, frameCount := 0.0, 0.0
	r.worst = math.Inf(-1)
	for kind := range streamKinds {
		all, frameCount = all+lost[kind], frameCount+n[kind]
		r.worst = max(r.worst, lost[kind]/max(1, n[kind]))
	}
	r.loss, r.hits = all/max(1, frameCount), r.hits/max(1, frameCount)
	return r, nil
}

// threshold sets the threshold with the most hits that keeps the accuracy budget: on average, and with the window for every
// kind of stream, since the streams that gain accuracy must not pay for others. Audits and confirmations cover what these
// few sequences do not show.
func threshold(f *facts, s *policy.Settings, nets string, frames int) error {
	most := -1.0
	found := *s
	for step := range 24 {
		try := *s
		if s.Score == policy.Entropy {
			try.Threshold = float32(1.2 * math.Pow(0.8, float64(step)))
		} else {
			try.Threshold = float32(1 - 0.6*math.Pow(0.8, float64(step)))
		}
		r, err := trial(f, contender{nets: nets, settings: try, miss: offload.Ask, download: nets == "paper"}, frames)
		if err != nil {
			return err
		}
		windowed := nets == "small" && s.Alpha < 1
		if r.loss <= budget-reserve && (!windowed || r.worst <= budget-reserve) && r.hits > most {
			most, found = r.hits, try
		}
	}
	if most < 0 { // nothing keeps it: every frame is a miss
		found.Threshold = 2
		if s.Score == policy.Entropy {
			found.Threshold = 0
		}
	}
	*s = found
	return nil
}
