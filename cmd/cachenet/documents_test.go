package main

import (
	"regexp"
	"strings"
	"testing"
)

var testName = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)

// A document that names a test must name one that exists.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	defined := map[string]bool{}
	named := map[string][]string{} // by test, where
	for path, text := range texts(t, ".md") {
		for _, name := range testName.FindAllString(text, -1) {
			named[name] = append(named[name], path)
		}
	}
	for _, text := range texts(t, "_test.go") {
		for line := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(line, "func "); ok {
				name, _, _ := strings.Cut(rest, "(")
				defined[name] = true
			}
		}
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
