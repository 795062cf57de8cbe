package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/pipelines"
)

// configurable are the commands that take a configuration file, by the path of its schema.
func configurable() map[string]*cobra.Command {
	return map[string]*cobra.Command{"../../docs/run.schema.json": newRun().command, "../../docs/edge.schema.json": newDevice().command}
}

// configured returns a run with the settings of a file, overridden by those of a command line.
func configured(t *testing.T, text string, args ...string) (*run, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cachenet.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	r := newRun()
	if err := r.command.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	return r, configure(r.command.Flags(), path)
}

func TestAFileSetsWhatFlagsDoNot(t *testing.T) {
	r, err := configured(t, "brokers: [a:1, 'b:2']\ntopic: file\ngroup: g\nguard: true\nparallelism: 3\nfile-age: 7s\n", "--topic", "flag")
	if err != nil {
		t.Fatal(err)
	}
	o := r.options
	if diff := cmp.Diff([]string{"a:1", "b:2"}, r.cluster.Brokers); diff != "" {
		t.Error(diff)
	}
	if o.Topic != "flag" || o.Group != "g" || !o.Guard || o.Parallelism != 3 || o.FileAge.Seconds() != 7 {
		t.Errorf("%+v", o)
	}
}

func TestMistakesInAFileAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"grupo: g":                "unknown key grupo: did you mean group?",
		"out-comes-topic: x":      "did you mean outcomes-topic?",
		"something-else: 1":       "unknown key something-else",
		"parallelism: many":       `parallelism: "many" must be a whole number`,
		"file-age: soon":          `file-age: "soon" must be a duration`,
		"topic: [a, b]":           "topic: is a list",
		"topic:":                  "topic: has no value",
		"cluster: {brokers: a:1}": "unknown key cluster/brokers",
		"topic: a\ntopic: b":      `line 2: mapping key "topic" already defined at line 1`,
		"- topic":                 "not YAML with a setting on each line: line 1: cannot unmarshal !!seq",
		"audit-rate: 1%":          `audit-rate: "1%" must be a number`,
		"seen: 1\ncredit: 32MB":   `credit: "32MB" must be a whole number; unknown key seen`,
		"{":                       "not YAML",
		"print-config: true":      "unknown key print-config",
	} {
		if _, err := configured(t, text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cachenet.yaml: ") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if err := configure(newRun().command.Flags(), "nowhere.yaml"); err == nil || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Error(err)
	}
}

func TestPrintedSettingsCanBeReadBack(t *testing.T) {
	r, err := configured(t, "brokers: [a:1]\ntopic: t\nguard: true\nuser: ann\npassword-env: SECRET\nfile-age: 7s\n")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SECRET", "correct-horse")
	text, err := printed(r.command.Flags())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "correct-horse") {
		t.Error("a secret is printed")
	}
	again, err := configured(t, text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(r.options, again.options, cmpopts.IgnoreUnexported(pipelines.Options{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(r.cluster, again.cluster); diff != "" {
		t.Error(diff)
	}
}

func TestMisspeltVariablesAreReported(t *testing.T) {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	defer slog.SetDefault(before)
	warnOfMisspelt(root(), []string{"CACHENET_BROKRES=secret:1", "CACHENET_BROKERS=b:1", "CACHENET_CACHE=x", "CACHENET_TOPIK=", "HOME=/", "CACHENET_TEST_KAFKA=1"})
	text := b.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "CACHENET_BROKRES is in the environment but is not a setting: did you mean CACHENET_BROKERS?") || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

// schema describes the configuration file from the flags.
func schema(c *cobra.Command) map[string]any {
	properties := map[string]any{}
	for name, f := range settings(c.Flags()) {
		p := map[string]any{"description": f.Usage, "type": "string"}
		switch f.Value.Type() {
		case "bool":
			p["type"] = "boolean"
		case "int", "int64":
			p["type"] = "integer"
		case "float64":
			p["type"] = "number"
		case "stringSlice":
			p["type"], p["items"] = "array", map[string]any{"type": "string"}
		case "duration":
			p["pattern"] = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
		}
		if name == "offset" || name == "parallelism" || name == "credit" || name == "model-memory" {
			p["type"] = []string{"string", "integer"} // as people write them
		}
		properties[name] = p
	}
	return map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": c.CommandPath() + " --config",
		"type": "object", "additionalProperties": false, "properties": properties}
}

func TestTheSchemaIsCurrent(t *testing.T) {
	for path, c := range configurable() {
		root().AddCommand(c) // for its whole name
		want, err := json.MarshalIndent(schema(c), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		if *update {
			if err := os.WriteFile(path, want, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s does not match the flags; run: make docs\n%s", path, diff)
		}
	}
}

func TestTheSchemaTakesWhatRunTakes(t *testing.T) {
	text, err := os.ReadFile("../../docs/run.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := printed(newRun().command.Flags())
	if err != nil {
		t.Fatal(err)
	}
	for file, good := range map[string]bool{
		"brokers: [a:1]\ntopic: t\noffset: 12\nguard: true\nfile-age: 1m30s\nparallelism: 4": true,
		"brokers: [a:1]\ngrupo: g": false,
		"guard: maybe":             false,
		"file-age: soon":           false,
		"audit-rate: 0.02":         true,
		"audit-rate: often":        false,
		defaults:                   true,
	} {
		value, err := yaml.Parser().Unmarshal([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(value); (err == nil) != good {
			t.Errorf("%q: the schema says %v", file, err)
		}
		if _, err := configured(t, file); (err == nil) != good {
			t.Errorf("%q: run says %v", file, err)
		}
	}
}

// A device's file has the settings of both clusters; what is wrong with it is named without a broker.
func TestAFileForADevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "device.yaml")
	for text, want := range map[string]string{
		"device: cam-1\nbrokers: [a:1]\nserver-brokers: [b:2]\nserver-sasl: PLAIN\nserver-tls: true\nserver-user: ann\nserver-password-env: SECRET\nlink: 10mbit,40ms\ndrain: 5s": "",
		"topic: frames":     "",
		"server-broker: b":  "did you mean server-brokers?",
		"device: a/b":       "--device",
		"link: fast":        "link",
		"full: inline":      "unknown key full",
		"drain: -1s":        "--drain",
		"max-false-hits: 1": "--max-false-hits",
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		t.Setenv("SECRET", "correct-horse")
		c := lintCommand()
		c.SetArgs([]string{path, "--for", "edge"})
		c.SetOut(io.Discard)
		c.SilenceErrors, c.SilenceUsage = true, true
		switch err := c.Execute(); {
		case err == nil && want != "", err != nil && (want == "" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)):
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	d := newDevice()
	if err := os.WriteFile(path, []byte("device: file\nserver-brokers: [b:2]\nfile-age: 7s\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := d.command.Flags().Parse([]string{"--device", "flag"}); err != nil {
		t.Fatal(err)
	}
	if err := configure(d.command.Flags(), path); err != nil || d.at.Device != "flag" || len(d.server.Brokers) != 1 || d.options.FileAge.Seconds() != 7 {
		t.Errorf("%v: %+v, %+v", err, d.at, d.options)
	}
}
