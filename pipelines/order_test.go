package pipelines

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// filesInOrder returns the files of this package as ARCHITECTURE.md lists them, top down; those of one row share a rank.
func filesInOrder(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "each file uses only those below it")
	table, _, ended := strings.Cut(table, "\n\n")
	if !found || !ended {
		t.Fatal("ARCHITECTURE.md has no table of the files of pipelines")
	}
	ranks := map[string]int{}
	for rank, row := range strings.Split(table, "\n") {
		names, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for _, m := range regexp.MustCompile("`([^`]+\\.go)`").FindAllStringSubmatch(names, -1) {
			files, err := filepath.Glob(m[1])
			if err != nil || len(files) == 0 {
				t.Errorf("ARCHITECTURE.md lists %s, which is not there", m[1])
			}
			for _, f := range files {
				ranks[f] = rank
			}
		}
	}
	return ranks
}

// parsed returns this package's files but tests.
func parsed(t *testing.T, fset *token.FileSet) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "doc.go" {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// nothing imports no package: names of this one are found all the same.
type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

// ARCHITECTURE.md promises that each file uses only those that it lists below it.
func TestFilesUseOnlyThoseBelowThem(t *testing.T) {
	ranks, fset := filesInOrder(t), token.NewFileSet()
	files := parsed(t, fset)
	info := types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	check := types.Config{Importer: nothing{}, Error: func(error) {}} // what comes from other packages is not known
	pkg, _ := check.Check("pipelines", fset, files, &info)
	for _, f := range files {
		if _, listed := ranks[fset.File(f.Pos()).Name()]; !listed {
			t.Errorf("%s is not in ARCHITECTURE.md's table of this package", fset.File(f.Pos()).Name())
		}
	}
	uses := 0
	var upward []string
	for id, of := range info.Uses {
		if of.Pkg() != pkg || !of.Pos().IsValid() {
			continue
		}
		from, to := fset.Position(id.Pos()), fset.Position(of.Pos())
		if from.Filename == to.Filename {
			continue
		}
		if uses++; ranks[to.Filename] < ranks[from.Filename] {
			upward = append(upward, from.String()+" uses "+of.Name()+" of "+to.Filename)
		}
	}
	if uses < 100 {
		t.Errorf("%d uses between files were found: the check does not see them", uses)
	}
	slices.Sort(upward)
	for _, u := range upward {
		t.Error(u)
	}
}
