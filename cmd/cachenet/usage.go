package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a mistake on the command line; it exits with 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error {
	if err != nil {
		return usageError{err}
	}
	return nil
}

// noArgs refuses positional arguments; of a command with subcommands one is a subcommand that does not exist.
func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !c.HasSubCommands():
		return usageError{fmt.Errorf("%s takes flags only, not %q%s", c.CommandPath(), args[0], seeHelp(c))}
	}
	var known []string
	for _, sub := range c.Commands() {
		known = append(known, sub.Name())
	}
	return usageError{fmt.Errorf("unknown command %q%s%s", c.CommandPath()+" "+args[0], nearest(args[0], known), seeHelp(c))}
}

// oneArg wants the one positional argument that the command's usage line names.
func oneArg(c *cobra.Command, args []string) error {
	_, name, _ := strings.Cut(c.Use, " ")
	switch len(args) {
	case 0:
		return usageError{fmt.Errorf("%s is missing%s", name, seeHelp(c))}
	case 1:
		return nil
	}
	return usageError{fmt.Errorf("%s takes one %s, not %d%s", c.CommandPath(), name, len(args), seeHelp(c))}
}

// wrongFlag words the errors of flags; for an unknown one it names the flag that was probably meant.
func wrongFlag(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return usageError{fmt.Errorf("--%s: %w", invalid.GetFlag().Name, mustBe(err, invalid.GetFlag(), invalid.GetValue()))}
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageError{err}
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return usageError{fmt.Errorf("%w%s%s", err, nearest("--"+unknown.GetSpecifiedName(), known), seeHelp(c))}
}

// required makes missing flags a usage error of one line.
func required(c *cobra.Command, flags ...string) error {
	var missing []string
	for _, f := range flags {
		if v := c.Flags().Lookup(f).Value.String(); v == "" || v == "[]" {
			missing = append(missing, "--"+f)
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return usageError{fmt.Errorf("%s is missing%s", missing[0], seeHelp(c))}
	}
	return usageError{fmt.Errorf("%s are missing%s", strings.Join(missing, ", "), seeHelp(c))}
}

func seeHelp(c *cobra.Command) string { return "; see " + c.CommandPath() + " --help" }
