package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite docs/commands.md")

const referencePath = "../../docs/commands.md"

// The reference is generated from the commands.
func TestTheCommandReferenceIsCurrent(t *testing.T) {
	want := reference(root())
	if *update {
		if err := os.WriteFile(referencePath, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("docs/commands.md does not match the commands; run: make docs\n%s", diff)
	}
}

func TestEveryFlagIsExplained(t *testing.T) {
	visit(root(), func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no description", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no description", c.CommandPath(), f.Name)
			}
		})
	})
}

func TestCommit(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef"}
	for want, info := range map[string]debug.BuildInfo{
		"unknown":                   {Main: debug.Module{Version: "v1.2.3"}}, // go install of a tag
		"fedcba987654":              {Main: debug.Module{Version: "v0.0.0-20260102030405-fedcba987654"}},
		"0123456789ab":              {Settings: []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "false"}}},
		"0123456789ab with changes": {Main: debug.Module{Version: "v1.2.3+dirty"}, Settings: []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}},
	} {
		if got := commitOf(&info); got != want {
			t.Errorf("%+v: %q, want %q", info, got, want)
		}
	}
}

// visit calls f with every command available to users, in the order of --help.
func visit(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
			visit(sub, f)
		}
	}
}

// reference is all commands as Markdown.
func reference(c *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nWhat `cachenet COMMAND --help` says. `make docs` writes this page from the commands, and a test keeps it current.\n" +
		"Every flag may be given as `CACHENET_<FLAG>` in the environment, e.g. `CACHENET_BROKERS`; flags win. Only `--cache` may not: `CACHENET_CACHE` is where downloads are kept.\n")
	visit(c, func(c *cobra.Command) {
		if !c.HasParent() {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n", c.CommandPath())
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(&b, "%s\n", text)
		if c.Runnable() && !c.HasAvailableSubCommands() {
			fmt.Fprintf(&b, "\n```\n%s\n```\n", c.UseLine())
		}
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", unindented(c.Example))
		}
		flags(&b, c)
	})
	return b.String()
}

func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}

func flags(b *strings.Builder, c *cobra.Command) {
	if !c.HasAvailableLocalFlags() {
		return
	}
	b.WriteString("\n| flag | default | |\n|---|---|---|\n")
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value := f.DefValue
		if value == "[]" || value == `""` {
			value = ""
		}
		if value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(b, "| `--%s` | %s | %s |\n", f.Name, value, strings.ReplaceAll(f.Usage, "|", `\|`))
	})
}
