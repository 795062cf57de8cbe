package main

import (
	"context"
	"fmt"
	"slices"
)

// trial is one setting of a peer as the search for its best one saw it.
type trial struct {
	Setting  setting `json:"setting"`
	FPS      float64 `json:"fps"`
	CPUUs    float64 `json:"cpu_us"`
	Accuracy float64 `json:"accuracy"`
	Failed   string  `json:"failed,omitempty"`
	LeftOut  string  `json:"left_out,omitempty"` // where an earlier search ruled it out; it was not tried
}

func (t trial) tried() bool { return t.Failed == "" && t.LeftOut == "" }

// sweepResult is the search for one peer's best settings.
type sweepResult struct {
	ID     string  `json:"id"`
	Trials []trial `json:"trials"`
}

// lessTime is how much less processor time a second setting must need to be measured too.
const lessTime = 0.97

// entries settles at which settings each contender is measured: its only one, or the fastest of a search over
// its topic, and the one with the least processor time where that is another.
func (w *workload) entries(ctx context.Context, all []contender) ([]*entry, []sweepResult, error) {
	var entries []*entry
	var sweeps []sweepResult
	if w.settled != nil {
		return w.settledEntries(all), nil, nil
	}
	for _, c := range all {
		switch {
		case len(c.settings) == 0:
			entries = append(entries, &entry{contender: c})
		case !w.Sweep:
			entries = append(entries, &entry{contender: c, setting: c.settings[0]})
		case slices.ContainsFunc(sweeps, func(s sweepResult) bool { return s.ID == c.same }):
			for _, e := range entries {
				if e.id == c.same {
					entries = append(entries, &entry{contender: c, setting: e.setting, best: e.best})
				}
			}
		default:
			found, err := w.search(ctx, c)
			if err != nil {
				return nil, nil, err
			}
			best, err := found.best()
			if err != nil {
				return nil, nil, err
			}
			for _, b := range best {
				entries = append(entries, &entry{contender: c, setting: b.Setting, best: b.why})
			}
			sweeps = append(sweeps, found)
		}
	}
	return entries, sweeps, nil
}

// search looks for the best settings of a peer.
func (w *workload) search(ctx context.Context, c contender) (sweepResult, error) {
	earlier, where := w.searched(c.id, w.size)
	likely, ruledOut := promising(c.settings, earlier)
	trials := tryAll(likely, ruledOut, where, func(s setting) trial { return w.try(ctx, c, s) })
	return sweepResult{ID: c.id, Trials: trials}, ctx.Err()
}

// tryAll tries the likely settings. Those that an earlier search ruled out are only recorded with where that was, unless every
// likely one fails: then they are tried until one does not.
func tryAll(likely, ruledOut []setting, where string, try func(setting) trial) []trial {
	var trials []trial
	for _, s := range likely {
		trials = append(trials, try(s))
	}
	for _, s := range ruledOut {
		if slices.ContainsFunc(trials, trial.tried) {
			trials = append(trials, trial{Setting: s, LeftOut: where})
		} else {
			trials = append(trials, try(s))
		}
	}
	return trials
}

// try measures one setting once.
func (w *workload) try(ctx context.Context, c contender, s setting) trial {
	m, err := w.measure(ctx, c, s, c.topic)
	if err != nil {
		w.say("search %-16s %s: %v", c.id, s, err)
		return trial{Setting: s, Failed: err.Error()}
	}
	w.say("search %-16s %s: %.0f frames/s, %.1f µs a frame", c.id, s, m.FPS, m.CPUUs)
	return trial{Setting: s, FPS: m.FPS, CPUUs: m.CPUUs, Accuracy: m.Verdict.Accuracy}
}

type chosen struct {
	trial
	why string
}

// best returns the fastest setting, and the one with the least processor time where that is clearly another.
func (r sweepResult) best() ([]chosen, error) {
	var fast, lean *trial
	for i := range r.Trials {
		t := &r.Trials[i]
		if !t.tried() {
			continue
		}
		if fast == nil || t.FPS > fast.FPS {
			fast = t
		}
		if lean == nil || t.CPUUs < lean.CPUUs {
			lean = t
		}
	}
	if fast == nil {
		return nil, fmt.Errorf("%s failed at every setting: %s", r.ID, r.Trials[0].Failed)
	}
	all := []chosen{{*fast, "frames/s"}}
	if lean.CPUUs < lessTime*fast.CPUUs {
		all = append(all, chosen{*lean, "processor time"})
	}
	return all, nil
}
