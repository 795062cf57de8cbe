package main

// goal is a ratio that the pipeline has to reach, by frames/s and by processor time.
type goal struct {
	What string             `json:"what"`
	Who  string             `json:"who"`   // id
	Than []string           `json:"than"`  // ids: the best of them
	Min  map[string]float64 `json:"goals"` // by size
}

// goals are those of the project.
var goals = []goal{
	{"cachenet run --audit-rate 0 : best Go loop", "run-unaudited", []string{"loop", "loop-16"}, map[string]float64{"32x32": 0.90}},
	{"cachenet run --audit-rate 0 : plain Python, the same window policy", "run-unaudited", []string{"python-window"}, map[string]float64{"32x32": 1.2, "640x480": 1.3, "1280x720": 1.3}},
	{"cachenet run : plain Python, small net + threshold", "run", []string{"python-cascade"}, map[string]float64{"32x32": 2, "640x480": 2.5, "1280x720": 2}},
	{"cachenet run : plain Python, full model", "run", []string{"python-full"}, map[string]float64{"32x32": 8, "640x480": 4, "1280x720": 3}},
	{"cachenet run : Beam Python RunInference, full model", "run", []string{"beam-memory", "beam-kafka"}, map[string]float64{"32x32": 8, "640x480": 8, "1280x720": 8}},
	{"cachenet run --policy full : plain Python, full model", "run-full", []string{"python-full"}, map[string]float64{"32x32": 1.1}},
	{"cachenet run --policy full : Beam Python RunInference", "run-full", []string{"beam-memory", "beam-kafka"}, map[string]float64{"32x32": 1.1}},
}

// ratio is a goal as it was measured: round by round, so that what slows a whole round cancels out.
type ratio struct {
	What string  `json:"what"`
	Goal float64 `json:"goal"` // 0: none at this size
	FPS  spread  `json:"fps"`
	CPU  spread  `json:"cpu"` // the other's processor time ÷ ours
}

// ratiosOf compares the contenders of one size; what was not measured is left out.
func ratiosOf(size string, contenders []contenderResult) []ratio {
	var all []ratio
	for _, g := range goals {
		ours := find(contenders, g.Who)
		var theirs []contenderResult
		for _, id := range g.Than {
			theirs = append(theirs, find(contenders, id)...)
		}
		if len(ours) == 0 || len(theirs) == 0 {
			continue
		}
		r := ratio{What: g.What, Goal: g.Min[size]}
		fps, cpu := func(s sample) float64 { return s.FPS }, func(s sample) float64 { return 1 / s.CPUUs }
		r.FPS = byRound(ours[0], strongest(theirs, fps), fps)
		r.CPU = byRound(ours[0], strongest(theirs, cpu), cpu)
		all = append(all, r)
	}
	return all
}

// find returns the results of a contender: one a setting. Those that failed are left out.
func find(all []contenderResult, id string) []contenderResult {
	var found []contenderResult
	for _, c := range all {
		if c.ID == id && len(c.Rounds) > 0 {
			found = append(found, c)
		}
	}
	return found
}

// strongest is the one whose median of a figure is largest.
func strongest(all []contenderResult, figure func(sample) float64) contenderResult {
	best := all[0]
	for _, c := range all[1:] {
		if spreadOf(figures(c.Rounds, figure)).Median > spreadOf(figures(best.Rounds, figure)).Median {
			best = c
		}
	}
	return best
}

func figures(samples []sample, figure func(sample) float64) []float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, figure(s))
	}
	return all
}

// byRound divides a figure of ours by theirs in each round that both finished.
func byRound(ours, theirs contenderResult, figure func(sample) float64) spread {
	var all []float64
	for i := range min(len(ours.Rounds), len(theirs.Rounds)) {
		all = append(all, figure(ours.Rounds[i])/figure(theirs.Rounds[i]))
	}
	return spreadOf(all)
}
