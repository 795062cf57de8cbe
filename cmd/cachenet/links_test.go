package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInASlug = regexp.MustCompile(`[^\pL\pN_ -]`)
)

// Every relative link of a document leads to a file, and to a heading where it names one.
func TestLinksOfDocuments(t *testing.T) {
	checked := 0
	for path, text := range texts(t, ".md") {
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(l[1], "://") {
				checked++
				checkLink(t, path, l[1])
			}
		}
	}
	if checked < 50 {
		t.Fatalf("%d links", checked)
	}
}

func checkLink(t *testing.T, from, to string) {
	t.Helper()
	file, anchor, _ := strings.Cut(to, "#")
	path := from
	if file != "" {
		path = filepath.Join(filepath.Dir(from), file)
	}
	if anchor == "" {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s links to %s: %v", from, to, err)
		}
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%s links to %s: %v", from, to, err)
	}
	for _, h := range heading.FindAllStringSubmatch(string(text), -1) {
		if strings.ReplaceAll(notInASlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-") == anchor {
			return
		}
	}
	t.Errorf("%s links to %s: no such heading", from, to)
}
