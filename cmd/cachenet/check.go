package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/pipelines"
)

// flinkOnly and prismOnly are the flags of run that mean something with one runner only.
var (
	flinkOnly = []string{"endpoint", "flink-rest", "checkpoints", "worker-pool"}
	prismOnly = []string{"credit", "share", "session-timeout"}
)

// checkRun refuses flags of run that contradict each other or would be passed over.
func checkRun(c *cobra.Command, o pipelines.Options, format string) error {
	if o.Runner == pipelines.RunnerFlink {
		if err := only(c, "without --runner flink", prismOnly...); err != nil {
			return err
		}
	} else if err := only(c, "with --runner flink", flinkOnly...); err != nil {
		return err
	}
	if !o.Share {
		if err := only(c, "with --share", "session-timeout"); err != nil {
			return err
		}
	}
	if !o.SkipSimilar {
		if err := only(c, "with --skip-similar", "similar-frames", "similar-for"); err != nil {
			return err
		}
	}
	if !o.Provisional {
		if err := only(c, "with --provisional", "full-timeout"); err != nil {
			return err
		}
	}
	if o.Policy == pipelines.PolicySmall {
		if err := only(c, "where the full model is called, which --policy small never does", "full", "provider"); err != nil {
			return err
		}
	}
	if o.Parallelism < 0 {
		return usageError{fmt.Errorf("--parallelism %d: must not be negative", o.Parallelism)}
	}
	for flag, positive := range map[string]bool{ // an option of 0 means its default, which nobody expects of a flag of 0
		"credit": o.Credit > 0, "file-age": o.FileAge > 0, "disk-wait": o.DiskWait > 0, "checkpoints": o.Checkpoints > 0,
		"session-timeout": o.SessionTimeout > 0, "full-timeout": o.FullTimeout > 0, "similar-frames": o.SimilarFrames > 0, "similar-for": o.SimilarFor > 0,
	} {
		if f := c.Flags().Lookup(flag); f != nil && !positive {
			return usageError{fmt.Errorf("--%s %s: must be above 0", flag, f.Value)}
		}
	}
	if err := checkOutput(format); err != nil {
		return err
	}
	return usage(o.Contradiction())
}

// only refuses flags that were given and have no effect here; a command need not have them.
func only(c *cobra.Command, where string, flags ...string) error {
	var given []string
	for _, f := range flags {
		if flag := c.Flags().Lookup(f); flag != nil && flag.Changed && flag.Value.String() != flag.DefValue {
			given = append(given, "--"+f)
		}
	}
	if len(given) > 0 {
		return usageError{fmt.Errorf("%s: has an effect only %s: leave it out", strings.Join(given, ", "), where)}
	}
	return nil
}
