package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/report"
)

// loggedFrames is a topic of frames and the data set of a run over them.
func loggedFrames(t *testing.T) (addr, out string) {
	t.Helper()
	addr, out = embedded(t), t.TempDir()
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "4", "--frames", "60", "--active", "2", "--dwell", "20")
	mustRun(t, "run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out, "--until-end")
	return addr, out
}

// replayed is what a replay says as JSON.
func replayed(t *testing.T, addr, out string, more ...string) report.Comparison {
	t.Helper()
	said := mustRun(t, append([]string{"replay", "--brokers", addr, "--topic", "frames", "--pack", coloursPack, "--against", out, "--output", "json"}, more...)...)
	var c report.Comparison
	if err := json.NewDecoder(strings.NewReader(said[strings.Index(said, "{"):])).Decode(&c); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return c
}

// The same policy decides the same again; another one does not, and both leave the data set as it is.
func TestReplayAnswersTheFramesAgain(t *testing.T) {
	addr, out := loggedFrames(t)
	for _, way := range []string{"rerun", "logged"} {
		c := replayed(t, addr, out, "--full-model", way)
		if c.All.After.Frames != 240 || c.Gone != 0 || len(c.Streams) != 4 || c.All.Before.Hits == 0 {
			t.Fatalf("%s: %+v", way, c)
		}
		if c.All.Changed != 0 || c.All.After.Hits != c.All.Before.Hits {
			t.Errorf("%s: the same policy decides otherwise: %+v", way, c.All)
		}
	}
	c := replayed(t, addr, out, "--policy", "full")
	if c.All.After.Hits != 0 || c.All.After.Misses != 240 || c.All.Judged != c.All.Changed || c.All.AfterAgree != c.All.Changed {
		t.Errorf("the full model: %+v", c.All)
	}
	page := filepath.Join(t.TempDir(), "replay.html")
	kept := t.TempDir()
	said := mustRun(t, "replay", "--brokers", addr, "--topic", "frames", "--pack", coloursPack, "--against", out, "--set", "threshold=2,score=confidence", "--out", kept, "--html", page)
	for _, want := range []string{"240 frames of 4 streams", "hit rate", "0.0 %", "with threshold=2, score=confidence", "answers of the full model were in the rows"} {
		if !strings.Contains(said, want) {
			t.Errorf("the output lacks %q:\n%s", want, said)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "240 frames, before and after") {
		t.Errorf("%v: %s", err, text)
	}
	if n, m := onDisk(t, out), onDisk(t, kept); n != 240 || m != 240 {
		t.Errorf("%d rows in the data set, %d in the folder of the replay", n, m)
	}
	committed, err := kafkaio.CommittedOffsets(t.Context(), kafkaio.Cluster{Brokers: []string{addr}}, "cachenet-replay", "frames")
	if err != nil || len(committed) != 0 {
		t.Errorf("committed: %v, %v", committed, err)
	}
}

func TestReplayRefusesWhatItCannotDo(t *testing.T) {
	addr, out := loggedFrames(t)
	run := func(more ...string) []string {
		return append([]string{"replay", "--brokers", addr, "--topic", "frames", "--pack", coloursPack, "--against", out}, more...)
	}
	for say, args := range map[string][]string{
		"treshold: not a setting":   run("--set", "treshold=1"),
		"must be logged or rerun":   run("--full-model", "maybe"),
		"--against is missing":      {"replay", "--brokers", addr, "--topic", "frames", "--pack", coloursPack},
		"holds no rows of topic":    {"replay", "--brokers", addr, "--topic", "others", "--pack", coloursPack, "--against", out},
		"leave --policy, --full":    run("--policy", "full", "--policy-file", "x.json"),
		"must be text or json":      run("--output", "yaml"),
		"read policy file":          run("--policy-file", "missing.json"),
		"threshold -1: must be a":   run("--set", "threshold=-1"),
		"--audit-rate 2: must":      run("--audit-rate", "2"),
		"name the folder of a pack": {"replay", "--brokers", addr, "--topic", "frames", "--pack", t.TempDir(), "--against", out},
	} {
		p := start(t, args...)
		if code := p.exit(t); code == 0 || !strings.Contains(p.said(t), say) {
			t.Errorf("%v: exit code %d, %s", args, code, p.said(t))
		}
	}
}
