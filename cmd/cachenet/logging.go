package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

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

// logsJSON returns the handler of logs as JSON; nil where they are text.
func logsJSON() *slog.JSONHandler {
	h, _ := slog.Default().Handler().(*slog.JSONHandler)
	return h
}

// record writes what stderr else has as a line for people as a record where logs are JSON, whatever level is logged: a
// program that reads them should find nothing else there. It returns false where logs are text.
func record(level slog.Level, message string, fields ...any) bool {
	h := logsJSON()
	if h == nil {
		return false
	}
	r := slog.NewRecord(time.Now(), level, message, 0)
	r.Add(fields...)
	_ = h.Handle(context.Background(), r) // there is nowhere else to say that stderr is closed
	return true
}
