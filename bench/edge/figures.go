package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// of returns the mean and the standard deviation over seeds of one figure of a contender in a cell.
func (c cell) of(name string, of func(figures) float64) (mean, sd float64) {
	var x []float64
	for _, f := range c.byName[name] {
		x = append(x, of(f))
	}
	return spread(x)
}

func (c cell) mean(name string) float64 {
	m, _ := c.of(name, func(f figures) float64 { return f.Mean })
	return m
}

// lost returns how much less accurate a contender is than the full model on every frame, from 0 to 1.
func (c cell) lost(name string) float64 {
	full, _ := c.of(deviceFull, func(f figures) float64 { return f.Accuracy })
	own, _ := c.of(name, func(f figures) float64 { return f.Accuracy })
	return full - own
}

// sustained reports whether a contender drops less than 1 % of the frames.
func (c cell) sustained(name string) bool {
	dropped, _ := c.of(name, func(f figures) float64 { return f.Dropped })
	return dropped < 0.01
}

// cutOff reports whether the link is cut for a while, so that contenders that need the server drop frames.
func (c cell) cutOff() bool { return c.cut[1] > c.cut[0] }

// baselines returns what a contender is compared with: server only, and device only with the largest net that its device
// holds, each if it drops nothing and loses at most a point. There may be none.
func (c cell) baselines(name string) (rivals []string) {
	device := deviceSmall
	if slices.Contains(holders, name) {
		device = deviceFull
	}
	for _, rival := range []string{device, serverOnly} {
		if c.sustained(rival) && c.lost(rival) <= budget {
			rivals = append(rivals, rival)
		}
	}
	return rivals
}

// baseline returns the mean latency of the faster of the baselines, over all seeds if seed is negative. ok: there is one.
func (c cell) baseline(name string, seed int) (ms float64, ok bool) {
	for _, rival := range c.baselines(name) {
		m := c.mean(rival)
		if seed >= 0 {
			m = c.byName[rival][seed].Mean
		}
		if !ok || m < ms {
			ms, ok = m, true
		}
	}
	return ms, ok
}

// headline returns the cells of the grid.
func (r *result) headline() []cell {
	return slices.DeleteFunc(slices.Clone(r.cells), func(c cell) bool { return !c.headline })
}

// gain returns how many times lower a contender's mean latency is than the baseline's: the geometric mean over the cells of
// the grid that have a baseline, their number, the worst of them and its name. lost is the most accuracy lost in any cell.
func (r *result) gain(name string) (mean, worst, lost float64, cells int, where string) {
	var ratios []float64
	least, lost := math.Inf(1), math.Inf(-1)
	for _, c := range r.headline() {
		lost = max(lost, c.lost(name))
		baseline, ok := c.baseline(name, -1)
		if !ok {
			continue
		}
		ratio := baseline / c.mean(name)
		ratios = append(ratios, ratio)
		if ratio < least {
			least, where = ratio, fmt.Sprintf("%s, device %g x", c.Name, c.factor)
		}
	}
	mean, worst = geometric(ratios)
	return mean, worst, lost, len(ratios), where
}

// over returns how many times lower a contender's mean latency is than another's: the geometric mean over the cells of the
// grid in which the other drops nothing.
func (r *result) over(other, name string) float64 {
	var ratios []float64
	for _, c := range r.headline() {
		if c.sustained(other) {
			ratios = append(ratios, c.mean(other)/c.mean(name))
		}
	}
	mean, _ := geometric(ratios)
	return mean
}

// bySeed returns the mean of gain over seeds and its standard deviation.
func (r *result) bySeed(name string) (mean, sd float64) {
	var all []float64
	for seed := range r.cells[0].byName[name] {
		var ratios []float64
		for _, c := range r.headline() {
			if least, ok := c.baseline(name, seed); ok {
				ratios = append(ratios, least/c.byName[name][seed].Mean)
			}
		}
		m, _ := geometric(ratios)
		all = append(all, m)
	}
	return spread(all)
}

// bytes returns how many times fewer bytes than server only a contender sends to the server, over the grid.
func (r *result) bytes(name string) float64 {
	all, own := 0.0, 0.0
	for _, c := range r.headline() {
		a, _ := c.of(serverOnly, func(f figures) float64 { return f.Up })
		b, _ := c.of(name, func(f figures) float64 { return f.Up })
		all, own = all+a, own+b
	}
	return all / own
}

// provisionally returns the largest ratio of the p95 latency of first answers to that of the small net alone, where
// the round trip takes 0.1 s to 1 s.
func (r *result) provisionally() float64 {
	worst := 0.0
	for _, c := range r.cells {
		if rtt := c.phases[0].shape.RTT; len(c.phases) > 1 || rtt < 100*time.Millisecond {
			continue
		}
		first, _ := c.of(provisional, func(f figures) float64 { return f.FirstP95 })
		alone, _ := c.of(deviceSmall, func(f figures) float64 { return f.P95 })
		worst = max(worst, first/alone)
	}
	return worst
}

// against compares a controller with fixed settings: with the one that is best over all cells in hindsight (its name, the
// geometric mean of the latency ratios, the worst ratio and where), and with the best setting of each cell (oracle).
func (r *result) against(name string, settings []string) (best string, mean, worst, oracle float64, where string) {
	most := math.Inf(-1)
	for _, fixed := range settings {
		sum := 0.0
		for _, c := range r.cells {
			sum -= math.Log(c.mean(fixed))
			if !c.sustained(fixed) && !c.cutOff() {
				sum = math.Inf(-1)
			}
		}
		if sum > most {
			best, most = fixed, sum
		}
	}
	var one, each []float64
	for _, c := range r.cells {
		least := math.Inf(1)
		for _, fixed := range settings {
			if c.sustained(fixed) || c.cutOff() {
				least = min(least, c.mean(fixed))
			}
		}
		if ratio := c.mean(best) / c.mean(name); len(one) == 0 || ratio < slices.Min(one) {
			where = fmt.Sprintf("%s, device %g x", c.Name, c.factor)
		}
		one, each = append(one, c.mean(best)/c.mean(name)), append(each, least/c.mean(name))
	}
	mean, worst = geometric(one)
	oracle, _ = geometric(each)
	return best, mean, worst, oracle, where
}

// fusedGain returns how many points more accurate fused answers are than the better of device only and server only, with the
// standard error of the mean.
func (r *result) fusedGain() (mean, se float64) {
	mean, sd := spread(r.fused)
	return mean, sd / math.Sqrt(max(1, float64(len(r.fused))))
}

// middle returns the cell of the link that settings are tuned on, with a device 5 times slower.
func (r *result) middle() cell {
	return r.cells[slices.IndexFunc(r.cells, func(c cell) bool { return c.Name == tuning().Name && c.factor == 5 })]
}

// winner returns the quickest that loses at most a point and drops nothing.
func (c cell) winner(names []string) string {
	best := ""
	for _, name := range names {
		if c.sustained(name) && c.lost(name) <= budget && (best == "" || c.mean(name) < c.mean(best)) {
			best = name
		}
	}
	return best
}
