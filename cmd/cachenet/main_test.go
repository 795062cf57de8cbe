package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(pipelineTests{m}, map[string]func(){"cachenet": main})
}

// pipelineTests are tests that may run pipelines in this process, too.
type pipelineTests struct{ *testing.M }

func (m pipelineTests) Run() int {
	flag.Parse()
	beam.Init()
	return m.M.Run()
}

// The scripts run the command as a user does. $ROOT is the root of the project; the pack of the tests is
// $COLOURS; a broker started by `broker` listens on $BROKER until the script ends.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			e.Setenv("COLOURS", filepath.Join(root, "testdata", "colours"))
			for _, name := range []string{"HOME", "CACHENET_CACHE", "XDG_CACHE_HOME", "CACHENET_ONNXRUNTIME"} {
				if v, ok := os.LookupEnv(name); ok {
					e.Setenv(name, v)
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"broker": startBroker},
	})
}

// startBroker runs `cachenet broker` in the background of the script.
func startBroker(ts *testscript.TestScript, _ bool, args []string) {
	self, err := exec.LookPath("cachenet")
	ts.Check(err)
	c := exec.Command(self, append([]string{"broker", "--listen", "127.0.0.1:0"}, args...)...)
	c.Dir = ts.Getenv("WORK")
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() { c.Process.Signal(os.Interrupt); c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	ts.Setenv("BROKER", strings.TrimSpace(strings.TrimPrefix(line, "listening on ")))
}

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// Every command of the README is run, in order, in a folder that holds what a clone holds. The make
// targets are left to CI, which calls them itself.
func TestREADMECommands(t *testing.T) { runDocument(t, "README.md") }

// So are those of a device and a server.
func TestEdgeDocumentCommands(t *testing.T) { runDocument(t, filepath.Join("docs", "edge.md")) }

func runDocument(t *testing.T, name string) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the commands of " + name)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "cachenet"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"models", "testdata"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	blocks := shellBlock.FindAllSubmatch(readme, -1)
	ran := 0
	for _, b := range blocks {
		if bytes.HasPrefix(b[1], []byte("make ")) {
			continue
		}
		runBlock(t, dir, string(b[1]))
		ran++
	}
	if ran == 0 {
		t.Fatalf("%s has %d blocks of commands, none of them run here", name, len(blocks))
	}
}

func runBlock(t *testing.T, dir, block string) {
	t.Helper()
	runWithin(t, 5*time.Minute, dir, block)
}

func runWithin(t *testing.T, limit time.Duration, dir, block string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", block)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s\n%v\n%s", block, err, out)
	}
}

// Global flags come from the environment too.
func TestVerboseFromTheEnvironment(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	for value, want := range map[string]bool{"true": true, "": false} {
		t.Setenv("CACHENET_VERBOSE", value)
		c := root()
		c.SetArgs([]string{"pack", "verify", coloursPack})
		c.SetOut(io.Discard)
		if err := c.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := slog.Default().Enabled(t.Context(), slog.LevelDebug); got != want {
			t.Errorf("CACHENET_VERBOSE=%q: debug messages are shown: %v", value, got)
		}
	}
}

// CACHENET_CACHE says where ONNX Runtime is, also to a run, whose --cache is another folder.
func TestTheCacheFolderIsNoFlag(t *testing.T) {
	t.Setenv("CACHENET_CACHE", t.TempDir())
	t.Setenv("CACHENET_TOPIC", "frames")
	c := runCommand()
	if err := fromEnvironment(c); err != nil {
		t.Fatal(err)
	}
	if cache, topic := c.Flag("cache"), c.Flag("topic"); cache.Changed || topic.Value.String() != "frames" {
		t.Errorf("--cache is %q, --topic %q", cache.Value, topic.Value)
	}
}

// Sending dead letters back was called replay once; scripts that call it so go on working.
func TestTheFormerNameOfRedeliver(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"replay --brokers b:1 --from-dead-letters dead", "redeliver --brokers b:1 --from-dead-letters dead"},
		{"replay --from-dead-letters=dead", "redeliver --from-dead-letters=dead"},
		{"replay out", "replay out"},
		{"run --from-dead-letters dead", "run --from-dead-letters dead"},
		{"", ""},
	} {
		if got := strings.Join(renamed(strings.Fields(c.args)), " "); got != c.want {
			t.Errorf("%q became %q", c.args, got)
		}
	}
}
