package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/report"
)

func reportCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "report DIR", Short: "Summarise the outcomes in a folder, from its Parquet files alone", Args: oneArg,
		Example: "  cachenet report out\n  cachenet report out --output json | jq .hit_rate",
		RunE: func(c *cobra.Command, args []string) error {
			return summary(c.Context(), c.OutOrStdout(), args[0], format)
		},
	}
	c.Flags().StringVar(&format, "output", "text", "text or json")
	return c
}

// summary prints what the data set in dir holds.
func summary(ctx context.Context, w io.Writer, dir, format string) error {
	s, err := report.Read(ctx, dir)
	if err != nil {
		return err
	}
	switch format {
	case "text":
		return s.WriteText(w)
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	return usageError{fmt.Errorf("--output %q: must be text or json", format)}
}
