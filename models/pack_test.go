package models

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const colours = "../testdata/colours"

// copyPack copies the test pack so that a test can spoil it.
func copyPack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(colours)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func editManifest(t *testing.T, dir string, edit func(m map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, ManifestFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	edit(m)
	if b, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyAcceptsThePack(t *testing.T) {
	p, err := OpenPack(colours)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenAndVerifyNameWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"no manifest":  {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, ManifestFile)) }, "no manifest.json"},
		"missing file": {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "full.onnx")) }, "full.onnx is missing"},
		"altered file": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "specialists/01.onnx"), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "specialists/01.onnx does not have the sha256"},
		"unknown key": {func(t *testing.T, dir string) { editManifest(t, dir, func(m map[string]any) { m["treshold"] = 1 }) }, "treshold"},
		"one class": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["classes"] = []string{"red"} })
		}, "1 classes"},
		"more classes": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["classes"] = []string{"a", "b", "c", "d", "e"} })
		}, "float32 [N 5]"},
		"another input": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["input"] = InputSize{16, 16} })
		}, "uint8 [N 16 16 3]"},
		"escape": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["full"].(map[string]any)["file"] = "../full.onnx" })
		}, "below the pack's folder"},
		"no temperature": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["full"].(map[string]any)["temperature"] = 0 })
		}, "temperature"},
		"bad policy": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["policy"].(map[string]any)["kind"] = "lucky" })
		}, `kind "lucky"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyPack(t)
			c.spoil(t, dir)
			p, err := OpenPack(dir)
			if err == nil {
				err = p.Verify()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, expected one that says %q", err, c.want)
			}
		})
	}
}

func TestOldRuntimeIsNamed(t *testing.T) {
	lib := filepath.Join(t.TempDir(), "libonnxruntime.so.1.23.2")
	if err := os.WriteFile(lib, []byte("VERS_1.23.2\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := libraryVersion(lib); got != "version 1.23.2" {
		t.Fatal(got)
	}
}
