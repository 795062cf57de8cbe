package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func lintCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lint FILE", Short: "Check a configuration file of run, without running anything", Args: oneArg,
		Long: `Checks a YAML file for run --config: its keys, its values, and what contradicts itself. No broker is asked and no
pack is opened. What is missing in the file may still be given as a flag or in the environment.`,
		Example: "  cachenet lint cachenet.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			r := newRun()
			if err := configure(r.command.Flags(), args[0]); err != nil {
				return err
			}
			if len(r.cluster.Brokers) == 0 {
				r.cluster.Brokers = []string{"localhost:9092"} // given elsewhere
			}
			err := r.check()
			if u := (usageError{}); errors.As(err, &u) {
				err = u.error // the file is wrong, not how lint was called
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: all settings are known and fit together\n", args[0])
			return err
		},
	}
}
