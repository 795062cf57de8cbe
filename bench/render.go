package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// Lines of a document between which tables are put.
const (
	tablesBegin = "<!-- tables: begin -->"
	tablesEnd   = "<!-- tables: end -->"
)

func renderCommand() *cobra.Command {
	var into string
	c := &cobra.Command{
		Use:   "render FILE...",
		Short: "Print the tables of results, or put them into a document",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var text strings.Builder
			for _, path := range args {
				r, err := readResults(path)
				if err != nil {
					return err
				}
				text.WriteString(r.markdown())
			}
			if into == "" {
				_, err := fmt.Fprint(c.OutOrStdout(), text.String())
				return err
			}
			return replaceBetween(into, tablesBegin, tablesEnd, text.String())
		},
	}
	c.Flags().StringVar(&into, "into", "", "Markdown file that has the lines "+tablesBegin+" and "+tablesEnd)
	return c
}

// replaceBetween puts text between two lines of a file.
func replaceBetween(path, begin, end, text string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(b), begin+"\n")
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q to put the table between", path, begin, end)
	}
	return os.WriteFile(path, []byte(head+begin+"\n"+text+end+tail), 0o644)
}
