// Command cachenet runs the model-caching pipeline and what belongs to it: a broker and a producer to try
// it with, the report of what it did, and the packs it runs.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/pipelines"
)

func main() {
	startBeam(os.Args[1:])
	ctx, stop := withSignals(context.Background())
	c := root()
	c.SetArgs(renamed(os.Args[1:]))
	err := c.ExecuteContext(ctx)
	stop()
	os.Exit(exitCode(ctx, err))
}

// renamed keeps command lines working that send dead letters back by the name which redeliver had before.
func renamed(args []string) []string {
	ofLetters := func(a string) bool { return strings.HasPrefix(a, "--from-dead-letters") }
	if len(args) == 0 || args[0] != "replay" || !slices.ContainsFunc(args, ofLetters) {
		return args
	}
	return append([]string{"redeliver"}, args[1:]...)
}

// startBeam comes before the command line is read: a runner starts workers by running this binary with
// Beam's own flags, and then it is a worker and nothing else.
func startBeam(args []string) {
	if !slices.ContainsFunc(args, func(a string) bool { return a == "--worker" || a == "--worker=true" }) {
		args = nil
	}
	if err := flag.CommandLine.Parse(args); err != nil {
		os.Exit(2)
	}
	beam.Init()
}

// stopped is why the context of a command ended.
type stopped struct{ signal os.Signal }

func (s stopped) Error() string { return s.signal.String() }

// withSignals returns a context that the first SIGINT or SIGTERM ends; the second ends the process.
func withSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		cancel(stopped{s})
		os.Exit(signalCode(<-signals))
	}()
	return ctx, func() { signal.Stop(signals) }
}

func signalCode(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 1
}

// exitCode says what happened: 0 done, 1 failed, 2 wrong usage, 130 or 143 terminated by a signal.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	var s stopped
	if errors.As(context.Cause(ctx), &s) && errors.Is(err, context.Canceled) {
		if !record(slog.LevelWarn, "stopped by "+s.Error()) {
			fmt.Fprintln(os.Stderr, "cachenet: stopped by", s)
		}
		return signalCode(s.signal)
	}
	reason := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	if !record(slog.LevelError, reason) {
		fmt.Fprintln(os.Stderr, "cachenet:", reason)
	}
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

func root() *cobra.Command {
	var logs logging
	c := &cobra.Command{
		Use:           "cachenet",
		Short:         "Model caching for deep inference over many streams",
		Long:          "cachenet answers the frames of many streams with small cached models where these are confident, and with the full model otherwise.",
		Version:       pipelines.Version,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			err := fromEnvironment(c)
			logger, wrong := logs.logger(os.Stderr)
			slog.SetDefault(logger)
			warnOfEnvironment(c)
			return cmp.Or(err, wrong)
		},
	}
	logs.flags(c.PersistentFlags())
	c.SetFlagErrorFunc(wrongFlag)
	c.AddCommand(demoCommand(), brokerCommand(), produceCommand(), runCommand(), edgeCommand(), serveCommand(), lintCommand(), workersCommand(), redeliverCommand(), reportCommand(), explainCommand(), replayCommand(), tuneCommand(), packCommand(), scenesCommand(), versionCommand())
	return c
}

// fromEnvironment sets flags that were not given from CACHENET_<FLAG>, e.g. CACHENET_BROKERS, unless that is empty. Not --cache,
// the folder of one pack: CACHENET_CACHE is the folder of all that the set-up fetches.
func fromEnvironment(c *cobra.Command) (err error) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		if slices.Contains(ownVariables, name) {
			return
		}
		if value := os.Getenv(name); value != "" && !f.Changed && err == nil { // empty: as if it were not set
			if e := c.Flags().Set(f.Name, value); e != nil {
				err = usageError{fmt.Errorf("%s: %w", name, mustBe(e, f, value))}
			}
		}
	})
	return err
}
