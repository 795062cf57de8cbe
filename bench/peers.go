package main

import (
	"fmt"
	"strconv"
)

// setting is how a Python peer is set up.
type setting struct {
	Processes int    `json:"processes"`
	Threads   int    `json:"threads"` // of ONNX Runtime within a call
	Batch     int    `json:"batch"`   // frames in a call at most
	Scale     string `json:"scale"`   // at which a JPEG is decoded: whole or reduced
}

func (s setting) String() string {
	if s == (setting{}) {
		return ""
	}
	return fmt.Sprintf("%d × process, %d × thread, batch %d, decoded %s", s.Processes, s.Threads, s.Batch, s.Scale)
}

// settingsFor lists what is tried. Frames of the net's own size cannot be decoded at a smaller scale.
func settingsFor(s size) []setting {
	scale := "reduced"
	if s.width <= 32 {
		scale = "whole"
	}
	all := []setting{{2, 1, 16, scale}, {2, 1, 1, scale}, {1, 2, 16, scale}, {1, 2, 1, scale}, {1, 1, 16, scale}, {1, 1, 1, scale}}
	if scale != "whole" {
		all = append(all, setting{2, 1, 16, "whole"}, setting{1, 1, 16, "whole"})
	}
	return all
}

// peers lists what others would write.
func peers(s size) []contender {
	settings := settingsFor(s)
	return []contender{
		{id: "python-window", title: "plain Python loop, the same window policy", topic: topicLong, settings: settings, command: python("cachenet_peers.loop", "--policy", "window")},
		{id: "python-cascade", title: "plain Python loop, small net + threshold", topic: topicLong, settings: settings, command: python("cachenet_peers.loop", "--policy", "cascade")},
		{id: "python-full", title: "plain Python loop, full model on every frame", topic: topicShort, settings: settings, command: python("cachenet_peers.loop", "--policy", "full")},
		{id: "beam-memory", title: "Beam Python RunInference, full model, frames from memory", topic: topicShort, settings: settings, command: beamPython("memory")},
		{id: "beam-kafka", title: "Beam Python RunInference, full model, frames from Kafka", topic: topicShort, settings: settings, same: "beam-memory", command: beamPython("kafka")},
	}
}

func python(module string, flags ...string) func(*workload, setting, string, string) []string {
	return func(w *workload, s setting, topic, out string) []string {
		argv := []string{w.Python, "-m", module, "--task", w.task, "--brokers", w.brokers, "--topic", topic, "--out", out,
			"--processes", strconv.Itoa(s.Processes), "--threads", strconv.Itoa(s.Threads), "--batch", strconv.Itoa(s.Batch), "--scale", s.Scale}
		return append(argv, flags...)
	}
}

func beamPython(source string) func(*workload, setting, string, string) []string {
	inner := python("cachenet_peers.beam_inference", "--source", source)
	return func(w *workload, s setting, topic, out string) []string {
		return append(inner(w, s, topic, out), "--recording", w.recording, "--frames", strconv.Itoa(w.perStream(topic)))
	}
}
