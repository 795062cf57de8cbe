package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	messageCell = regexp.MustCompile("(?m)^\\| `([^`]+)`")
	literals    = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	verbs       = regexp.MustCompile(`%[-+# 0]*[\d.]*[a-z]`)
)

// docs/troubleshooting.md explains messages that the program has: each part of a message between two … is in a string of
// the code.
func TestTroubleshootingQuotesMessagesThatExist(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	code := programText(t)
	cells := messageCell.FindAllStringSubmatch(string(doc), -1)
	if len(cells) < 20 {
		t.Fatalf("the document has %d messages", len(cells))
	}
	for _, c := range cells {
		for part := range strings.SplitSeq(c[1], "…") {
			if part = strings.Trim(part, `: "`); part != "" && !strings.Contains(code, part) {
				t.Errorf("no message says %q (%s)", part, c[1])
			}
		}
	}
}

// programText is every string of the program's source, with … for what is filled in.
func programText(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for path, code := range texts(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, s := range literals.FindAllString(code, -1) {
			text.WriteString(verbs.ReplaceAllString(s, "…") + "\n")
		}
	}
	return text.String()
}
