package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func lintCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lint FILE", Short: "Check a configuration file for run without running it", Args: oneArg,
		Long: `Checks a YAML file for run --config: keys, values and contradictions. It connects to no broker and opens no
pack. Settings missing in the file may still be given as flags or in the environment.`,
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
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: ok, all settings are known and consistent\n", args[0])
			return err
		},
	}
}
