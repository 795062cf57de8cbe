package main

import (
	"math"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models/policy"
)

// outcome is how a frame was answered.
type outcome struct {
	row            int
	first, settled time.Duration // latencies of the first answer and of the last
	early, class   int           // these answers; -1: dropped
	hit            bool
	earlier        policy.Earlier // what the small net said
	kind           int
}

// tally counts the outcomes of a run.
type tally struct {
	frames   []outcome
	up, down int64
	actions  [3]int // misses by chosen action
}

// figures are the results of one contender in one cell.
type figures struct {
	Mean, P50, P95, P99 float64 // ms until a frame is settled
	FirstP95, FirstMean float64 // ms until its first answer
	Accuracy, First     float64 // share of the frames whose final, first answer is right; a dropped frame counts as wrong
	Agreement           float64 // with the full model on the frame as it is
	Up, Down            float64 // bytes a frame
	Dropped             float64 // share of the frames
	Hits                float64
}

// figures sums up a run.
func (t *tally) figures(f *facts) figures {
	var settled, first []float64
	var r figures
	n := float64(len(t.frames))
	for _, o := range t.frames {
		if o.class < 0 {
			r.Dropped += 1 / n
			continue
		}
		settled, first = append(settled, millis(o.settled)), append(first, millis(o.first))
		r.Accuracy += share(o.class == f.Labels[o.row]) / n
		r.First += share(o.early == f.Labels[o.row]) / n
		r.Agreement += share(o.class == f.best[o.row]) / n
		r.Hits += share(o.hit) / n
	}
	r.Mean, r.FirstMean = average(settled), average(first)
	slices.Sort(settled)
	slices.Sort(first)
	r.P50, r.P95, r.P99, r.FirstP95 = quantile(settled, 0.5), quantile(settled, 0.95), quantile(settled, 0.99), quantile(first, 0.95)
	r.Up, r.Down = float64(t.up)/n, float64(t.down)/n
	return r
}

func share(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func average(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / max(1, float64(len(x)))
}

// quantile returns the quantile q of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}

// geometric returns the geometric mean and the smallest of ratios.
func geometric(ratios []float64) (mean, worst float64) {
	worst = math.Inf(1)
	sum := 0.0
	for _, r := range ratios {
		sum += math.Log(r)
		worst = min(worst, r)
	}
	return math.Exp(sum / max(1, float64(len(ratios)))), worst
}

// spread returns the mean and the standard deviation over seeds.
func spread(x []float64) (mean, sd float64) {
	mean = average(x)
	for _, v := range x {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / max(1, float64(len(x)-1)))
}
