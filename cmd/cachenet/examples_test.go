package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// elsewhere says of examples of the command reference, by their beginning, what runs the same command instead.
var elsewhere = map[string]string{
	"cachenet demo":                 "TestADemoCanBeReplayed",              // smaller
	"cachenet replay --pack models": "TestADemoCanBeReplayed",              // on its frames
	"cachenet tune --data":          "TestADemoCanBeReplayed",              //
	"cachenet edge":                 "TestTheCommandsOfTheEdgeDocumentRun", // two brokers
	"cachenet serve":                "TestTheCommandsOfTheEdgeDocumentRun", //
	"cachenet lint device.yaml":     "TestAFileForADevice",                 //
	"cachenet pack recalibrate":     "TestARecalibratedPackRuns",           // hundreds of audits
	"cachenet pack build":           "TestOwnModelDocument",                // make test-own-model: it needs trained nets
	"cachenet pack evaluate":        "",                                    // parsed only: nets of rivals, and minutes
	"cachenet scenes":               "",                                    // parsed only: 30,000 pictures
	"cachenet produce --brokers localhost:9092 --topic frames --source gate=rtsp": "TestCamerasDocument", // a camera
}

// smaller makes the other examples fit the scene and the time of a test.
var smaller = strings.NewReplacer("--streams 48 --frames 300", "--streams 4 --frames 3", "--frames 1000 --rate 25", "--frames 5 --rate 25",
	"photos/cat/a_1.jpg", "$photo", "| jq .hit_rate", "| grep hit_rate")

// listens finds where a command serves until it is stopped.
var listens = regexp.MustCompile(`--listen (\S+):(\d+)`)

// examples returns the examples of all commands, those that others need first.
func examples() (all []string) {
	visit(root(), func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			all = append(all, strings.TrimSpace(line))
		}
	})
	first := func(e string) int {
		return slices.IndexFunc([]string{"cachenet pack import", "cachenet tune", ""}, func(begin string) bool { return strings.HasPrefix(e, begin) })
	}
	slices.SortStableFunc(all, func(a, b string) int { return first(a) - first(b) })
	return all
}

// instead returns what runs an example in place of this file, and whether anything has to.
func instead(example string) (test string, found bool) {
	for begin, test := range elsewhere {
		if strings.HasPrefix(example, begin) {
			return test, true
		}
	}
	return "", false
}

// Every example of the command reference runs as it is written, on fewer frames, unless the table says what runs it.
func TestTheExamplesOfCommandsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the examples")
	}
	dir, moved := scene(t)
	stream, offset := oneFrame(t, filepath.Join(dir, "out"))
	writeShownConfig(t, dir, moved)
	t.Setenv("CACHENET_UNTIL_END", "true")
	addr := moved.Replace("localhost:9092")
	publishRaw(t, addr, "no image")
	mustRun(t, "run", "--brokers", addr, "--topic", "frames", "--group", "cachenet", "--pack", filepath.Join(dir, "models/packs/scenes"), "--out", filepath.Join(dir, "out"),
		"--dead-letter-topic", "frames-dead")
	photo, err := filepath.Glob(filepath.Join(dir, "photos", "*", "*"))
	if err != nil || len(photo) == 0 {
		t.Fatalf("no picture: %v", err)
	}
	ran := 0
	for _, example := range examples() {
		if _, ok := instead(example); ok {
			continue
		}
		ran++
		e := strings.NewReplacer("cam-03", stream, "--offset 512", fmt.Sprint("--offset ", offset)).Replace(smaller.Replace(example))
		script := moved.Replace(e)
		if at := listens.FindStringSubmatch(e); at != nil { // until it is told to end
			port := freePort(t)
			script = fmt.Sprintf("%s & p=$!\nuntil (echo > /dev/tcp/127.0.0.1/%s) 2>/dev/null; do kill -0 $p; sleep 0.05; done\nkill $p; wait $p || [ $? = 143 ]",
				strings.Replace(e, at[0], "--listen 127.0.0.1:"+port, 1), port)
		}
		t.Run(example, func(t *testing.T) { runBlock(t, dir, "photo="+photo[0]+"\n"+script) })
	}
	if ran < 20 {
		t.Errorf("%d examples were run", ran)
	}
}

// The table names examples that exist, and tests.
func TestWhatRunsTheOtherExamples(t *testing.T) {
	code := texts(t, "_test.go")
	for begin, test := range elsewhere {
		if !slices.ContainsFunc(examples(), func(e string) bool { return strings.HasPrefix(e, begin) }) {
			t.Errorf("no example begins with %q", begin)
		}
		found := test == ""
		for _, text := range code {
			found = found || strings.Contains(text, "func "+test+"(")
		}
		if !found {
			t.Errorf("%s: there is no %s", begin, test)
		}
	}
}

// A demo keeps its frames: the commands of docs/tuning.md for them run, and so do those that it suggests.
func TestADemoCanBeReplayed(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a demo")
	}
	dir := installed(t, "models")
	block := blocksOf(t)["docs/tuning.md"][0]
	small := strings.Replace(block, "cachenet demo", "cachenet demo --streams 6 --frames 60 --dwell 20 --size 32x32 --rate 100", 1)
	if small == block {
		t.Fatalf("no demo in %s", block)
	}
	runBlock(t, dir, small+"\nbin/cachenet demo --streams 2 --frames 40 --dwell 20 --size 32x32 --rate 100 --out out/other 2> suggested\n")
	text, err := os.ReadFile(filepath.Join(dir, "suggested"))
	if err != nil {
		t.Fatal(err)
	}
	suggested := regexp.MustCompile(`(?m)^      (\S*cachenet .*)$`).FindAllStringSubmatch(string(text), -1)
	if len(suggested) != 5 {
		t.Fatalf("the demo suggests %d commands:\n%s", len(suggested), text)
	}
	for _, s := range suggested {
		runBlock(t, dir, s[1])
	}
	for _, made := range []string{"out/demo/report.html", "out/other/report.html", "replay.html", "policy.json"} {
		if _, err := os.Stat(filepath.Join(dir, made)); err != nil {
			t.Error(err)
		}
	}
}

// The container file is built by no test here; what it copies and runs of this tree exists.
func TestTheContainerFileNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(treeRoot, "deploy", "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$|^COPY --from=build /src/(\S+)|(scripts/\S+\.sh)|(\./cmd/\S+)`).FindAllStringSubmatch(string(text), -1)
	checked := 0
	for _, n := range named {
		for _, path := range strings.Fields(strings.Join(n[1:], " ")) {
			checked++
			if info, err := os.Stat(filepath.Join(treeRoot, path)); err != nil || strings.HasSuffix(path, ".sh") && info.Mode()&0o111 == 0 {
				t.Errorf("%s: missing, or not executable: %v", path, err)
			}
		}
	}
	if checked < 6 {
		t.Errorf("%d paths", checked)
	}
	mod, err := os.ReadFile(filepath.Join(treeRoot, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if !strings.Contains(string(text), "FROM golang:"+string(language[1])+"-") {
		t.Errorf("the image to build in is not of Go %s, as go.mod says", language[1])
	}
}
