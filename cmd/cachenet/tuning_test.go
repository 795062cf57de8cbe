package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// The commands of docs/tuning.md run as they are written, in other folders.
func TestTheCommandsOfTheTuningDocumentRun(t *testing.T) {
	text := blocksOf(t)["docs/tuning.md"][1]
	addr, dir, commands := embedded(t), t.TempDir(), 0
	moved := map[string]string{"localhost:29192": addr, "images:testdata/images": "images:../../testdata/images", "models/packs/scenes": "../../models/packs/scenes"}
	for _, file := range []string{"out", "tuned", "report.html", "replay.html", "policy.json"} {
		moved[file] = filepath.Join(dir, file)
	}
	for line := range strings.Lines(text) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "bin/cachenet ")
		if !ok {
			continue
		}
		args := strings.Fields(command)
		for i := range args {
			if to, ok := moved[args[i]]; ok {
				args[i] = to
			}
		}
		mustRun(t, args...)
		commands++
	}
	if commands != 7 {
		t.Errorf("%d commands", commands)
	}
	if n := onDisk(t, filepath.Join(dir, "tuned")); n != 800 {
		t.Errorf("%d rows", n)
	}
}
