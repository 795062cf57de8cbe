package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLabelledBy(t *testing.T) {
	for content, want := range map[string]struct{ agreement, fails bool }{
		"":                     {},
		`{"sha256": "abc"}`:    {agreement: true},
		`{"sha256": "others"}`: {},
		`{"sha`:                {fails: true},
	} {
		dir := t.TempDir()
		if content != "" {
			if err := os.WriteFile(filepath.Join(dir, labelsFile), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := labelledBy(dir, "abc"); got != want.agreement || (err != nil) != want.fails {
			t.Errorf("%s: %v, %v", content, got, err)
		}
	}
}
