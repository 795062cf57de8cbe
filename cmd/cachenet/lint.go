package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func lintCommand() *cobra.Command {
	command := ""
	c := &cobra.Command{
		Use: "lint FILE", Short: "Check a configuration file for run or edge without running it", Args: oneArg,
		Long: `Checks a YAML file for run --config or edge --config: keys, values and contradictions. It connects to no broker and opens no
pack. Settings missing in the file may still be given as flags or in the environment.`,
		Example: "  cachenet lint cachenet.yaml\n  cachenet lint device.yaml --for edge",
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			switch command {
			case "run":
				err = lintRun(args[0])
			case "edge":
				err = lintDevice(args[0])
			default:
				return usageError{fmt.Errorf("--for %q: must be run or edge", command)}
			}
			if u := (usageError{}); errors.As(err, &u) {
				err = fmt.Errorf("%s: %w", args[0], u.error) // the file is wrong, not how lint was called
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: ok, all settings are known and consistent\n", args[0])
			return err
		},
	}
	c.Flags().StringVar(&command, "for", "run", "command that the file is for: run or edge")
	return c
}

// somewhere stands for brokers that are missing in a file: they may be given elsewhere.
var somewhere = []string{"localhost:9092"}

func lintRun(path string) error {
	r := newRun()
	if err := configure(r.command.Flags(), path); err != nil {
		return err
	}
	if len(r.cluster.Brokers) == 0 {
		r.cluster.Brokers = somewhere
	}
	return r.check()
}

func lintDevice(path string) error {
	d := newDevice()
	if err := configure(d.command.Flags(), path); err != nil {
		return err
	}
	for _, brokers := range []*[]string{&d.cluster.Brokers, &d.server.Brokers} {
		if len(*brokers) == 0 {
			*brokers = somewhere
		}
	}
	d.at.Device = cmp.Or(d.at.Device, "device")
	return d.checkDevice()
}
