package main

import (
	"io/fs"
	"os"
	"path/filepath"
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
