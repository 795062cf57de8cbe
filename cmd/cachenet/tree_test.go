package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// treeRoot is the root of the repository, from this package.
const treeRoot = "../.."

// texts returns the content of the repository's files whose names end with one of the suffixes, by path; outputs are left
// out.
func texts(t *testing.T, suffixes ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(treeRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "out") {
			return filepath.SkipDir
		}
		for _, suffix := range suffixes {
			if !d.IsDir() && strings.HasSuffix(path, suffix) {
				b, err := os.ReadFile(path)
				all[path] = string(b)
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The map in ARCHITECTURE.md names every folder with Go code, and no other.
func TestTheMapNamesEveryFolder(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(treeRoot, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{} // what stands in backquotes: folders from the root, and folders by name in the row of their parent
	for _, m := range regexp.MustCompile("`([^` ]+)`").FindAllSubmatch(text, -1) {
		named[string(m[1])] = true
	}
	for path := range texts(t, ".go") {
		folder, err := filepath.Rel(treeRoot, filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		inParent := named[filepath.Dir(folder)] && named[filepath.Base(folder)]
		if !named[folder] && !inParent && !strings.HasPrefix(folder, "docs/") {
			t.Errorf("ARCHITECTURE.md does not say what %s is for", folder)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z/-]+)` \\|").FindAllSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(treeRoot, string(m[1]))); err != nil && strings.Contains(string(m[1]), "/") {
			t.Errorf("ARCHITECTURE.md lists %s, which is not there", m[1])
		}
	}
}
