package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// Values of --output.
const (
	outputText = "text"
	outputJSON = "json"
)

// checkOutput refuses any other value of --output.
func checkOutput(format string) error {
	if format != outputText && format != outputJSON {
		return usageError{fmt.Errorf("--output %q: must be text or json", format)}
	}
	return nil
}

// writeJSON writes v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
