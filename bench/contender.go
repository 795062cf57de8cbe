package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// loopAnswers is the file that bench/loop writes, in a run's folder.
const loopAnswers = "answers.txt"

// contender is a program that answers frames.
type contender struct {
	id       string
	title    string
	topic    string    // whose frames it answers
	settings []setting // of a peer that has some: the first is where the search begins
	same     string    // id of the contender whose best settings it uses instead of a search of its own

	command func(w *workload, s setting, topic, out string) []string // out: folder for its answers
}

// contenders lists all, the project's own first.
func (p plan) contenders(s size) ([]contender, error) {
	all := []contender{
		{id: "run", title: "cachenet run", topic: topicLong, command: pipeline(p.Cachenet)},
		{id: "run-unaudited", title: "cachenet run --audit-rate 0", topic: topicLong, command: pipeline(p.Cachenet, "--audit-rate", "0")},
		{id: "run-full", title: "cachenet run --policy full", topic: topicShort, command: pipeline(p.Cachenet, "--policy", "full")},
	}
	for _, also := range p.Also {
		name, binary, ok := strings.Cut(also, "=")
		if !ok {
			return nil, fmt.Errorf("also %q: must be NAME=BINARY", also)
		}
		all = append(all, contender{id: "run@" + name, title: "cachenet run of " + name, topic: topicLong, command: pipeline(binary)},
			contender{id: "run-full@" + name, title: "cachenet run --policy full of " + name, topic: topicShort, command: pipeline(binary, "--policy", "full")})
	}
	all = append(all,
		contender{id: "loop", title: "one Go loop, the same decisions: no Kafka, Beam, Parquet; two goroutines", topic: topicLong, command: goLoop()},
		contender{id: "loop-16", title: "the same, the small net called once for a run of 16 frames", topic: topicLong, command: goLoop("-batch", "16")},
		contender{id: "loop-full-16", title: "the same loop, full model in batches of 16", topic: topicShort, command: goLoop("-full", "-batch", "16")},
	)
	all = append(all, peers(s)...)
	return p.chosen(all)
}

// chosen keeps the contenders that were asked for.
func (p plan) chosen(all []contender) ([]contender, error) {
	if len(p.Contenders) == 0 {
		return all, nil
	}
	var chosen []contender
	for _, id := range p.Contenders {
		n := len(chosen)
		for _, c := range all {
			if c.id == id || strings.HasPrefix(c.id, id+"@") {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == n {
			return nil, fmt.Errorf("contender %q: unknown; choose from: %s", id, strings.Join(ids(all), ", "))
		}
	}
	return chosen, nil
}

func ids(all []contender) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.id)
	}
	return names
}

// pipeline is cachenet run.
func pipeline(binary string, flags ...string) func(*workload, setting, string, string) []string {
	return func(w *workload, _ setting, topic, out string) []string {
		return append([]string{binary, "run", "--brokers", w.brokers, "--topic", topic, "--group", filepath.Base(out),
			"--pack", w.Pack, "--out", out, "--until-end"}, flags...)
	}
}

// goLoop is bench/loop.
func goLoop(flags ...string) func(*workload, setting, string, string) []string {
	return func(w *workload, _ setting, topic, out string) []string {
		return append([]string{w.Loop, "-recording", w.recording, "-pack", w.Pack, "-frames", fmt.Sprint(w.perStream(topic)),
			"-out", filepath.Join(out, loopAnswers)}, flags...)
	}
}
