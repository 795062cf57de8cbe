package main

import (
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ownVariables are variables of the project that are no flags: where the programs look for what they need.
var ownVariables = []string{"CACHENET_CACHE", "CACHENET_FFMPEG", "CACHENET_LIBJPEG", "CACHENET_ONNXRUNTIME"}

// variable is the environment variable that sets a flag.
func variable(flag string) string {
	return "CACHENET_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// warnOfMisspelt tells of variables of the environment that look like a setting of some command and are none.
func warnOfMisspelt(root *cobra.Command, environment []string) {
	known := variables(root)
	for _, e := range environment {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "CACHENET_") || value == "" || slices.Contains(known, name) {
			continue
		}
		if meant := nearest(name, known); meant != "" {
			slog.Warn(name + " is in the environment but is not a setting" + meant)
		}
	}
}

// variables are all that the commands and the project know.
func variables(root *cobra.Command) []string {
	known := slices.Clone(ownVariables)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, set := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
			set.VisitAll(func(f *pflag.Flag) { known = append(known, variable(f.Name)) })
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return known
}

// warnOfEnvironment is warnOfMisspelt of this process.
func warnOfEnvironment(c *cobra.Command) { warnOfMisspelt(c.Root(), os.Environ()) }
