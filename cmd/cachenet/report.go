package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/report/page"
)

func reportCommand() *cobra.Command {
	var format, html string
	c := &cobra.Command{
		Use: "report DIR", Short: "Summarise the outcomes in a folder, from its Parquet files", Args: oneArg,
		Example: "  cachenet report out\n  cachenet report out --html report.html\n  cachenet report out --output json | jq .hit_rate",
		RunE: func(c *cobra.Command, args []string) error {
			if html != "" && c.Flags().Changed("output") {
				return usageError{errors.New("--output with --html: the page is the output; leave one of them out")}
			}
			if html != "" {
				return htmlReport(c.Context(), args[0], html)
			}
			return summary(c.Context(), c.OutOrStdout(), args[0], format)
		},
	}
	c.Flags().StringVar(&html, "html", "", "write a self-contained page with charts to this file instead")
	c.Flags().StringVar(&format, "output", "text", "text or json")
	return c
}

// htmlReport writes the page of the data set in dir.
func htmlReport(ctx context.Context, dir, path string) error {
	c := page.NewCollector()
	s, err := report.ReadEach(ctx, dir, c.Add)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := c.WriteHTML(&b, page.Heading{Source: dir, Summary: &s, Now: time.Now()}); err != nil {
		return err
	}
	return writePage(path, b.Bytes())
}

// writePage writes a page.
func writePage(path string, text []byte) error {
	if err := models.WriteAtomic(path, text); err != nil {
		return fmt.Errorf("write the page to %s: %w: name a file in a folder that can be written to", path, err)
	}
	return nil
}

// summary prints what the data set in dir holds.
func summary(ctx context.Context, w io.Writer, dir, format string) error {
	if err := checkOutput(format); err != nil {
		return err
	}
	s, err := report.Read(ctx, dir)
	if err != nil {
		return err
	}
	if format == outputJSON {
		return writeJSON(w, s)
	}
	return s.WriteText(w)
}
