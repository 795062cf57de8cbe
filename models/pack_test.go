package models

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models/picture"
)

const colours = "../testdata/colours"

// copyPack copies the test pack so that a test can corrupt it.
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

// putFull replaces the full model with one of testdata/models, which has its own input format.
func putFull(t *testing.T, dir, file string, input map[string]any) {
	t.Helper()
	b, err := os.ReadFile("../testdata/models/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "full.onnx"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	editManifest(t, dir, func(m map[string]any) {
		full := m["full"].(map[string]any)
		full["sha256"] = fmt.Sprintf("%x", sha256.Sum256(b))
		if input != nil {
			m["format"], full["input"] = 2, input
		}
	})
}

func TestANetOfAPackMayHaveAnInputOfItsOwn(t *testing.T) {
	dir := copyPack(t)
	putFull(t, dir, "nchw-normalised.onnx", map[string]any{"width": 8, "height": 8, "layout": "nchw", "type": "float32", "resize": "crop", "crop_ratio": 0.9,
		"scale": 1.0 / 255, "mean": imageNetMean, "std": imageNetStd, "name": "pixel_values"})
	p, err := OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(); err != nil {
		t.Fatal(err)
	}
	if in := p.InputOf(p.Full); in.Resize != picture.Crop || in.Name != "pixel_values" {
		t.Errorf("full has input %+v", in)
	}
	if in := p.InputOf(*p.Small); in.View != size8 || in.Type != "" {
		t.Errorf("small has input %+v", in)
	}
}

// Names of classes are the user's: whatever a list of labels holds comes back in the rows as it is.
func TestClassesMayHaveAnyName(t *testing.T) {
	dir := copyPack(t)
	names := []string{"rot/red", "../grün, green", "line\n", "d\"ark\x1b[31m"}
	editManifest(t, dir, func(m map[string]any) { m["classes"] = names })
	p, err := OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Classes, names) {
		t.Errorf("%q, want %q", p.Classes, names)
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
		"class without a name": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["classes"] = []string{"red", " ", "blue", "dark"} })
		}, `class " ": must not be empty`},
		"long class": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["classes"] = []string{"red", strings.Repeat("g", 257), "blue", "dark"} })
		}, "257 bytes: must be at most 256"},
		"name of two lines": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["name"] = "colours\n" })
		}, "control characters"},
		"more classes": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["classes"] = []string{"a", "b", "c", "d", "e"} })
		}, "needs [N 5]"},
		"another input": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["input"] = InputSize{Width: 16, Height: 16} })
		}, "uint8 [N 16 16 3]"},
		"resize in format 1": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["input"] = InputSize{Width: 8, Height: 8, Resize: picture.Crop} })
		}, "resize and filter need format 2"},
		"unknown resize": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) {
				m["format"], m["input"] = 2, InputSize{Width: 8, Height: 8, Resize: "squeeze"}
			})
		}, `resize "squeeze"`},
		"escape": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["full"].(map[string]any)["file"] = "../full.onnx" })
		}, "below the pack's folder"},
		"no temperature": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["full"].(map[string]any)["temperature"] = 0 })
		}, "temperature"},
		"empty classes": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["specialists"].([]any)[0].(map[string]any)["classes"] = []int{} })
		}, "specialist-00: classes is empty"},
		"selector with other": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["selector"].(map[string]any)["other"] = true })
		}, "selector: must answer all classes"},
		"small of some classes": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) { m["small"].(map[string]any)["classes"] = []int{1, 2} })
		}, "small: must answer all classes"},
		"input in format 1": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) {
				m["full"].(map[string]any)["input"] = map[string]any{"width": 8, "height": 8}
			})
		}, "full: an input or output of its own needs format 2"},
		"wrong input": {func(t *testing.T, dir string) {
			editManifest(t, dir, func(m map[string]any) {
				m["format"] = 2
				m["full"].(map[string]any)["input"] = map[string]any{"width": 8, "height": 8, "layout": "chw"}
			})
		}, `full: layout "chw"`},
		"external weights": {func(t *testing.T, dir string) { putFull(t, dir, "external.onnx", nil) }, "full.onnx: has external data"},
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
