package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// sample is one measurement of a contender: a run over its frames, less what it costs to begin and to end. That is taken from a
// run over one frame of each stream just before, so that a rate is (frames - few) ÷ (time - time for few).
type sample struct {
	FPS     float64 `json:"fps"`     // frames/s
	CPUUs   float64 `json:"cpu_us"`  // processor time a frame
	StartS  float64 `json:"start_s"` // wall time of the run over few frames
	RSSMB   float64 `json:"rss_mb"`  // 1e6 bytes
	Verdict verdict `json:"verdict"`
}

// measure runs a contender twice: over few frames, and over those of the topic.
func (w *workload) measure(ctx context.Context, c contender, s setting, topic string) (sample, error) {
	few, err := w.once(ctx, c, s, topicStart, nil)
	if err != nil {
		return sample{}, fmt.Errorf("%s, start: %w", c.id, err)
	}
	var v verdict
	all, err := w.once(ctx, c, s, topic, &v)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.id, err)
	}
	frames := float64(w.frames(topic) - w.frames(topicStart))
	if all.Wall <= few.Wall || all.CPU <= few.CPU {
		return sample{}, fmt.Errorf("%s: %.0f frames took no longer than the start: use more frames", c.id, frames)
	}
	return sample{
		FPS:    frames / (all.Wall - few.Wall).Seconds(),
		CPUUs:  float64((all.CPU - few.CPU).Microseconds()) / frames,
		StartS: few.Wall.Seconds(), RSSMB: float64(all.RSS) / 1e6, Verdict: v,
	}, nil
}

// once runs a contender over a topic and, where a verdict is wanted, judges its answers.
func (w *workload) once(ctx context.Context, c contender, s setting, topic string, v *verdict) (u usage, err error) {
	out, err := os.MkdirTemp(w.dir, c.id+"-")
	if err != nil {
		return usage{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(out)) }()
	peers, err := filepath.Abs(w.Peers)
	if err != nil {
		return usage{}, err
	}
	u, err = measured(ctx, onCores(w.cores, c.command(w, s, topic, out)), []string{"PYTHONPATH=" + peers}, w.Limit)
	if err != nil || v == nil {
		return u, err
	}
	answers, err := w.truth.answersIn(ctx, out)
	if err != nil {
		return u, fmt.Errorf("read its answers: %w", err)
	}
	*v = w.truth.judge(answers, w.perStream(topic))
	return u, nil
}

// entry is a contender at one setting, and what was measured of it.
type entry struct {
	contender
	setting
	best    string // why this setting: "", "frames/s" or "processor time"
	samples []sample
	failed  error
}

// rounds measures all entries in turn, round by round, until the rounds or the time are used up.
func (w *workload) rounds(ctx context.Context, entries []*entry, deadline time.Time) (int, error) {
	for round := range w.Rounds {
		if round > 0 && time.Now().After(deadline) {
			return round, nil
		}
		for _, e := range turned(entries, round, w.Rounds) {
			if e.failed != nil {
				continue
			}
			s, err := w.measure(ctx, e.contender, e.setting, e.topic)
			if ctx.Err() != nil {
				return round, ctx.Err()
			}
			if err != nil {
				e.failed = err
				w.say("round %d %-16s %v", round+1, e.id, err)
				continue
			}
			e.samples = append(e.samples, s)
			w.say("round %d %-16s %8.0f frames/s %8.1f µs a frame, %4.0f MB, start %.2f s, accuracy %.2f %%, rows %d", round+1, e.id, s.FPS, s.CPUUs, s.RSSMB, s.StartS, 100*s.Verdict.Accuracy, s.Verdict.Rows)
		}
	}
	return w.Rounds, nil
}

// turned returns the entries of a round: each round begins with another one, so that none always follows the same neighbour.
func turned[E any](entries []E, round, rounds int) []E {
	first := round * len(entries) / rounds
	return slices.Concat(entries[first:], entries[:first])
}

func (w *workload) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s\n", w.name, fmt.Sprintf(format, args...))
}
