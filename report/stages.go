package report

import (
	"fmt"
	"strings"

	"github.com/cachenet/cachenet/connectors/session"
)

// StageTime is what a part of the work took, per frame of a run.
type StageTime struct {
	Stage string  `json:"stage"` // fetch, decode, state, small net, selector, full model or write
	Us    float64 `json:"us_per_frame"`
}

// Spread puts the time in the stages outside the nets (in µs, by name) and that in the nets in the order in which a frame
// passes them, per frame. It is nil where nothing is known of the stages.
func Spread(stages map[string]int64, frames int64, small, selector, full float64) []StageTime {
	if len(stages) == 0 || frames == 0 {
		return nil
	}
	each := func(name string, us float64) StageTime { return StageTime{name, us / float64(frames)} }
	outside := func(s session.Stage) StageTime { return each(s.String(), float64(stages[s.String()])) }
	return []StageTime{outside(session.StageFetch), outside(session.StageDecode), outside(session.StageState),
		each("small net", small), each("selector", selector), each("full model", full), outside(session.StageWrite)}
}

// spread says where the time went, in two lines: outside the nets and in them.
func (s Summary) spread() (outside, nets string) {
	var parts [2][]string
	for _, t := range s.Stages {
		name, isNet := strings.CutSuffix(t.Stage, " net")
		name, isModel := strings.CutSuffix(name, " model")
		line := &parts[0]
		if isNet || isModel || name == "selector" {
			line = &parts[1]
		}
		*line = append(*line, fmt.Sprintf("%s %s", name, figure(&t.Us)))
	}
	return strings.Join(parts[0], ", "), strings.Join(parts[1], ", ")
}
