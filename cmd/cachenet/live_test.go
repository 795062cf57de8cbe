package main

import (
	"testing"
	"time"
)

func TestLiveLine(t *testing.T) {
	start := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	var l live
	for _, tt := range []struct {
		name string
		r    reading
		want string
	}{
		{"first reading", reading{at: start, frames: 50, lag: -1}, ""},
		{"no durable row yet", reading{at: start.Add(2 * time.Second), frames: 3050, lag: 12000, memory: 90 << 20}, "1,500/s · lag 12,000 · 90 MB"},
		{"since the last one", reading{at: start.Add(3 * time.Second), frames: 3060, hits: 9, misses: 3, lag: 0, missesInFlight: 7}, "10/s · 75.0 % hits · lag 0 · 7 misses in flight"},
		{"nothing new is durable", reading{at: start.Add(4 * time.Second), frames: 3060, hits: 9, misses: 3, lag: -1}, "0/s · 75.0 % hits"},
	} {
		if l.take(tt.r); l.line(80) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, l.line(80), tt.want)
		}
	}
	if l.due(start.Add(4500*time.Millisecond)) || !l.due(start.Add(5*time.Second)) {
		t.Error("a reading is due every second")
	}
}

// On a narrow terminal the line loses its last parts rather than the end of one.
func TestTheLiveLineFitsTheTerminal(t *testing.T) {
	l := live{parts: []string{"99/s", "98.2 % hits", "lag 1,200", "3 misses in flight", "152 MB"}}
	for room, want := range map[int]string{
		80: "99/s · 98.2 % hits · lag 1,200 · 3 misses in flight · 152 MB", 50: "99/s, 98.2 % hits, lag 1,200, 3 misses in flight",
		26: "99/s · 98.2 % hits", 28: "99/s, 98.2 % hits, lag 1,200", 4: "99/s", 3: "", -2: "",
	} {
		if got := l.line(room); got != want {
			t.Errorf("%d characters: %q, want %q", room, got, want)
		}
	}
}
