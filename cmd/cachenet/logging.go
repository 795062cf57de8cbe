package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/pflag"
)

// logging is how a command logs.
type logging struct {
	verbose bool
	format  string
}

func (l *logging) flags(f *pflag.FlagSet) {
	f.BoolVarP(&l.verbose, "verbose", "v", false, "write debug logs to stderr")
	f.StringVar(&l.format, "log-format", outputText, "logs as text or as json, one object per line")
}

// logger returns the logger that the flags ask for. Any other --log-format is an error, and logged about as text.
func (l *logging) logger(w io.Writer) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: slog.LevelWarn}
	if l.verbose {
		o.Level = slog.LevelDebug
	}
	switch l.format {
	case outputJSON:
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case outputText:
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return slog.New(slog.NewTextHandler(w, o)), usageError{fmt.Errorf("--log-format %q: must be text or json", l.format)}
}
