package main

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/parquetio"
)

// Where the commands of documents are run. A block is named by its document and its place in it, from 1 on.
const (
	inREADME      = "TestREADMECommands"
	inCameras     = "TestCamerasDocument"
	inTuning      = "TestTheCommandsOfTheTuningDocumentRun"
	inOwnModel    = "TestOwnModelDocument"       // make test-own-model
	inDocs        = "TestCommandsOfDocumentsRun" // this file
	inEdge        = "TestTheCommandsOfTheEdgeDocumentRun"
	inRecalibrate = "TestARecalibratedPackRuns"      // with other folders
	inFlink       = "TestFlinkCommandsOfDocuments"   // make test-flink-docs
	byMake        = "make: hours, or its own target" // its commands are only parsed
	inDemo        = "TestADemoCanBeReplayed"         // smaller
	inExamples    = "TestTheExamplesOfCommandsRun"   // all but a few, which its table names
	byGPU         = "needs a GPU"                    // make test-provider checks its answers where there is one
	byEngine      = "needs a container engine"       // not run; make lint-deploy lints the file, TestTheContainerFileNamesWhatExists checks its paths
)

// generated is the command reference: each of its blocks is an example of a command, as many as there are.
const generated = "docs/commands.md"

// runBy says what runs each block of each document.
var runBy = map[string][]string{
	"README.md": {byMake, inREADME}, "docs/your-own-model.md": slices.Repeat([]string{inOwnModel}, 7),
	"docs/cameras.md": slices.Repeat([]string{inCameras}, 9), "docs/tuning.md": {inDemo, inTuning, inRecalibrate}, "docs/edge.md": {inEdge},
	"docs/report.md": {inDocs, inDocs}, "docs/configuration.md": {inDocs}, "docs/packs.md": {inDocs, byMake}, "docs/runners.md": {inDocs, inFlink},
	"docs/deploy.md": {byEngine, inFlink}, "docs/gpu.md": {byGPU}, generated: {inExamples},
	"docs/bench-cifar10.md": {byMake}, "docs/bench-scenes.md": {byMake}, "docs/performance.md": {byMake},
}

// blocksOf returns the blocks of commands of every document, by its path in the repository.
func blocksOf(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for path, text := range texts(t, ".md") {
		name, err := filepath.Rel(treeRoot, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range shellBlock.FindAllStringSubmatch(text, -1) {
			all[name] = append(all[name], b[1])
		}
	}
	return all
}

// A block that nothing runs is an error, as is one that is no longer there.
func TestEveryBlockOfCommandsIsRunBySomething(t *testing.T) {
	blocks := blocksOf(t)
	for name := range runBy {
		if blocks[name] == nil {
			t.Errorf("%s has no block of commands any more", name)
		}
	}
	for name, found := range blocks {
		if name != generated && len(found) != len(runBy[name]) {
			t.Errorf("%s has %d blocks of commands, and the table runBy says of %d what runs them", name, len(found), len(runBy[name]))
		}
	}
	code := texts(t, "_test.go")
	for name, by := range runBy {
		for _, test := range by {
			if strings.HasPrefix(test, "Test") && !slices.ContainsFunc(slices.Collect(maps.Values(code)), func(text string) bool { return strings.Contains(text, "func "+test+"(") }) {
				t.Errorf("%s: there is no %s", name, test)
			}
		}
	}
}

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	called    = regexp.MustCompile(`(?m)(?:^|[|(;] *)(?:bin/)?cachenet ([^#|;&\n]*)`)
	target    = regexp.MustCompile(`(?m)^make ([a-z0-9-]+)`)
)

// Every command in a block of any document exists, with the flags that it is given; every make target does.
func TestCommandsOfDocumentsExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(treeRoot, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for name, blocks := range blocksOf(t) {
		for _, block := range blocks {
			block = continued.ReplaceAllString(block, "")
			for _, m := range called.FindAllStringSubmatch(block, -1) {
				checked++
				c, rest, err := root().Find(strings.Fields(m[1]))
				if err == nil {
					err = c.ParseFlags(rest)
				}
				if err != nil && !strings.Contains(err.Error(), "help requested") {
					t.Errorf("%s: %s: %v", name, m[0], err)
				}
			}
			for _, m := range target.FindAllStringSubmatch(block, -1) {
				if !regexp.MustCompile(`(?m)^` + m[1] + `:`).Match(makefile) {
					t.Errorf("%s: there is no target %s", name, m[1])
				}
			}
		}
	}
	if checked < 60 {
		t.Errorf("%d commands", checked)
	}
}

// scene is a folder with what the commands of documents expect: the program, packs, a model of somebody else, a broker with
// frames, and the rows of a run. moved says where the documents' places are in it.
func scene(t *testing.T) (dir string, moved *strings.Replacer) {
	t.Helper()
	dir = installed(t, "models", "scripts")
	tree, err := filepath.Abs(treeRoot)
	if err != nil {
		t.Fatal(err)
	}
	linked(t, dir, map[string]string{
		"resnet.onnx": filepath.Join(tree, "testdata/models/nchw-normalised.onnx"), "photos": filepath.Join(tree, "testdata/images")})
	if err := os.WriteFile(filepath.Join(dir, "imagenet.txt"), []byte("a\nb\nc\nd\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	addr, out := embedded(t), filepath.Join(dir, "out")
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", "images:"+filepath.Join(tree, "testdata/images"), "--streams", "4", "--frames", "25")
	mustRun(t, "run", "--brokers", addr, "--topic", "frames", "--group", "cachenet", "--pack", filepath.Join(tree, "models/packs/scenes"), "--out", out, "--until-end")
	stream, offset := oneFrame(t, out)
	return dir, strings.NewReplacer("localhost:9092", addr, "--brokers …", "--brokers "+addr, "127.0.0.1:9090", "127.0.0.1:"+freePort(t),
		"/shared/out", filepath.Join(dir, "shared"), "/tmp/flink", filepath.Join(dir, "flink"), "stream-0016", stream, "--offset 478", "--offset "+strconv.FormatInt(offset, 10))
}

// oneFrame names a frame of a data set.
func oneFrame(t *testing.T, dir string) (stream string, offset int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for row, err := range parquetio.Rows(ctx, dir) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Outcome != "error" {
			stream, offset = row.Stream, row.Offset
		}
	}
	return stream, offset
}

// runDocuments runs the blocks that the table gives to a test, those of a document in one shell. Runs end at the end of the
// topic.
func runDocuments(t *testing.T, by, dir string, moved *strings.Replacer) {
	t.Helper()
	t.Setenv("CACHENET_UNTIL_END", "true")
	blocks := blocksOf(t)
	for name, tests := range runBy {
		var script strings.Builder
		for i, test := range tests {
			if test == by {
				script.WriteString(blocks[name][i])
			}
		}
		if script.Len() > 0 {
			t.Run(filepath.Base(name), func(t *testing.T) { runBlock(t, dir, moved.Replace(script.String())) })
		}
	}
}

// The commands of the documents that need no more than a broker and frames run as they are written.
func TestCommandsOfDocumentsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the documents' commands")
	}
	dir, moved := scene(t)
	writeShownConfig(t, dir, moved)
	runDocuments(t, inDocs, dir, moved)
	for _, made := range []string{"report.html", "packs/resnet/manifest.json", "shared/outcomes"} {
		if _, err := os.Stat(filepath.Join(dir, made)); err != nil {
			t.Error(err)
		}
	}
}

// writeShownConfig writes the file that docs/configuration.md shows.
func writeShownConfig(t *testing.T, dir string, moved *strings.Replacer) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(treeRoot, "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	file := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindSubmatch(text)
	if file == nil {
		t.Fatal("docs/configuration.md shows no file")
	}
	if err := os.WriteFile(filepath.Join(dir, "cachenet.yaml"), []byte(moved.Replace(string(file[1]))), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A device, a server and their brokers run as the document says.
func TestTheCommandsOfTheEdgeDocumentRun(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the document's commands")
	}
	dir := installed(t, "models", "testdata")
	ports := strings.NewReplacer("29392", freePort(t), "29393", freePort(t))
	runBlock(t, dir, ports.Replace(blocksOf(t)["docs/edge.md"][0]))
	if n := onDisk(t, filepath.Join(dir, "out")); n != 1600 {
		t.Errorf("%d rows", n)
	}
}

// installed returns a folder with the program and folders of the tree, as commands of documents name them.
func installed(t *testing.T, folders ...string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := exec.LookPath("cachenet")
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"bin/cachenet": self}
	for _, f := range folders {
		if links[f], err = filepath.Abs(filepath.Join(treeRoot, f)); err != nil {
			t.Fatal(err)
		}
	}
	linked(t, dir, links)
	return dir
}

// linked makes links in a folder, by their names there.
func linked(t *testing.T, dir string, links map[string]string) {
	t.Helper()
	for to, from := range links {
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
	}
}

// The commands that need Flink run where a Flink can be fetched.
func TestFlinkCommandsOfDocuments(t *testing.T) {
	if os.Getenv("CACHENET_TEST_FLINK") == "" {
		t.Skip("NOT RUN, see make test-flink-docs: it starts Flink")
	}
	dir, moved := scene(t)
	runDocuments(t, inFlink, dir, moved)
}
