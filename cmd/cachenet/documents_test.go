package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var testName = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)

// A document that names a test must name one that exists.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	const root = "../.."
	defined := map[string]bool{}
	named := map[string][]string{} // by test, where
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "out"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go") && filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".md" {
			for _, name := range testName.FindAllString(string(text), -1) {
				named[name] = append(named[name], path)
			}
			return nil
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "func "); ok {
				name, _, _ := strings.Cut(rest, "(")
				defined[name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(named) == 0 {
		t.Fatal("no document mentions a test")
	}
	for name, where := range named {
		if !defined[name] {
			t.Errorf("%s: there is no test %s", strings.Join(where, ", "), name)
		}
	}
}
