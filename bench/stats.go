package main

import "slices"

// spread is what several rounds gave.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// spreadOf summarises values; there must be one.
func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Low: v[0], High: v[n-1]}
}

// worse reports whether now lies below was by more than both spreads: where larger is better.
func (was spread) worse(now spread) bool { return now.High < was.Low }
