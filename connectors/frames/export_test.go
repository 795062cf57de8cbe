package frames

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.ToSlash(name)] = string(content)
	}
	return found
}

func TestExportWritesWhatImagesReads(t *testing.T) {
	from, dir := newScenes(t, minSize), t.TempDir()
	if err := (Export{Sequences: 2, Frames: 3, Step: 4, Seed: 5}).Write(t.Context(), from, dir); err != nil {
		t.Fatal(err)
	}
	all := files(t, dir)
	if want := 48 * 2 * 3; len(all) != want {
		t.Errorf("%d files, want %d", len(all), want)
	}
	back, err := Images(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(from.Classes(), back.Classes()); diff != "" {
		t.Error(diff)
	}
	want := map[string]bool{}
	for _, sequence := range []string{"0000", "0001"} {
		var contents []string
		for _, frame := range []string{"000", "004", "008"} {
			contents = append(contents, all["disc-solid/"+sequence+"_"+frame+".jpg"])
		}
		want[strings.Join(contents, " ")] = true
	}
	if got := played(t, back, indexOf(back, "disc-solid")); !cmp.Equal(want, got) {
		t.Errorf("disc-solid plays sequences other than the %d exported: %d", len(want), len(got))
	}
}

func indexOf(s Source, class string) int {
	for i, name := range s.Classes() {
		if name == class {
			return i
		}
	}
	return -1
}

func TestExportRepeatsAndDiffers(t *testing.T) {
	from := newScenes(t, minSize)
	export := func(seed uint64) map[string]string {
		dir := t.TempDir()
		if err := (Export{Sequences: 1, Frames: 1, Step: 1, Seed: seed}).Write(t.Context(), from, dir); err != nil {
			t.Fatal(err)
		}
		return files(t, dir)
	}
	first := export(1)
	if !cmp.Equal(first, export(1)) {
		t.Error("the same seed gave different data sets")
	}
	for name, content := range export(2) {
		if first[name] == content {
			t.Errorf("%s is the same for seeds 1 and 2", name)
		}
	}
}

func TestExportDoesNotMixDataSets(t *testing.T) {
	from, dir := newScenes(t, minSize), t.TempDir()
	e := Export{Sequences: 1, Frames: 1, Step: 1}
	if err := e.Write(t.Context(), from, dir); err != nil {
		t.Fatal(err)
	}
	if err := e.Write(t.Context(), from, dir); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("error %v, want one that names what exists", err)
	}
}

func TestExportRefuses(t *testing.T) {
	for name, e := range map[string]Export{
		"no sequences": {Frames: 1, Step: 1},
		"no frames":    {Sequences: 1, Step: 1},
		"no step":      {Sequences: 1, Frames: 1},
	} {
		if err := e.Write(t.Context(), newScenes(t, minSize), t.TempDir()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

var errTorn = errors.New("torn")

type torn struct{}

func (torn) Classes() []string { return []string{"a"} }

func (torn) Play(int, uint64) iter.Seq2[Image, error] {
	return func(yield func(Image, error) bool) { yield(Image{}, errTorn) }
}

func TestExportPassesOnTheSourcesError(t *testing.T) {
	err := Export{Sequences: 1, Frames: 1, Step: 1}.Write(t.Context(), torn{}, t.TempDir())
	if !errors.Is(err, errTorn) {
		t.Errorf("error %v, want %v", err, errTorn)
	}
}

// short is a source of single frames, so that a whole data set is written quickly.
type short struct{}

func (short) Classes() []string { return []string{"a", "b"} }

func (short) Play(class int, seed uint64) iter.Seq2[Image, error] {
	return func(yield func(Image, error) bool) {
		yield(Image{fmt.Appendf(nil, "%d %d", class, seed), schemas.PNG}, nil)
	}
}

func TestDataSetPartsShareNoSequence(t *testing.T) {
	dir := t.TempDir()
	if err := WriteDataSet(t.Context(), short{}, dir, 40); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for part, want := range map[string]int{"train": 2 * 300, "val": 2 * 40, "test": 2 * 16} {
		all := files(t, filepath.Join(dir, part))
		if len(all) != want {
			t.Errorf("%s: %d files, want %d", part, len(all), want)
		}
		for name, content := range all {
			name = part + "/" + name
			if other, ok := seen[content]; ok {
				t.Errorf("%s and %s are the same", name, other)
			}
			seen[content] = name
		}
	}
}

// stopping is short, and cancels after some sequences.
type stopping struct {
	short
	left   *int
	cancel context.CancelFunc
}

func (s stopping) Play(class int, seed uint64) iter.Seq2[Image, error] {
	if *s.left--; *s.left == 0 {
		s.cancel()
	}
	return s.short.Play(class, seed)
}

// A data set of camera-sized scenes takes long; a signal must end it.
func TestADataSetEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left, dir := 5, t.TempDir()
	err := WriteDataSet(ctx, stopping{left: &left, cancel: cancel}, dir, 1)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, expected one of the context", err)
	}
	if n := len(files(t, filepath.Join(dir, "train"))); n != 5 {
		t.Errorf("%d images, expected the 5 before it was cancelled", n)
	}
}
