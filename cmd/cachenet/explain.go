package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/report/page"
)

func explainCommand() *cobra.Command {
	var q report.Question
	var format string
	c := &cobra.Command{
		Use: "explain DIR", Short: "Explain why a frame was answered as it was, from the Parquet rows", Args: oneArg,
		Long: `Shows the row of a frame, the previous rows of its stream, the threshold it was compared with, why that net
was active, and what would have changed the decision.`,
		Example: "  cachenet explain out\n  cachenet explain out --stream cam-03\n  cachenet explain out --stream cam-03 --offset 512",
		RunE: func(c *cobra.Command, args []string) error {
			if q.Before < 0 {
				return usageError{fmt.Errorf("--before %d: must not be negative", q.Before)}
			}
			if err := checkOutput(format); err != nil {
				return err
			}
			var err error
			if !c.Flags().Changed("stream") { // a record without a key has an empty one
				if c.Flags().Changed("offset") {
					return required(c, "stream")
				}
				if q.Stream, err = worstStream(c.Context(), args[0]); err != nil {
					return err
				}
			}
			if !c.Flags().Changed("offset") {
				if q.Offset, err = report.LastTrouble(c.Context(), args[0], q.Stream); err != nil {
					return err
				}
			}
			e, err := report.Explain(c.Context(), args[0], q)
			if err != nil {
				return err
			}
			if format == outputJSON {
				return writeJSON(c.OutOrStdout(), e)
			}
			return e.WriteText(c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&q.Stream, "stream", "", "the frame's stream (default the worst one, the first on the page of cachenet report --html)")
	f.Int64Var(&q.Offset, "offset", 0, "the frame's offset (default that of the stream's last error or wrong answer, else of its last miss)")
	f.IntVar(&q.Before, "before", 10, "previous rows of the stream to show")
	f.StringVar(&format, "output", "text", "text or json")
	return c
}

// worstStream names the stream that the page of the data set shows first.
func worstStream(ctx context.Context, dir string) (string, error) {
	c := page.NewCollector()
	if _, err := report.ReadEach(ctx, dir, c.Add); err != nil {
		return "", err
	}
	return c.Worst(), nil
}
