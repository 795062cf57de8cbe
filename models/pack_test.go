package models

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/schemas"
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

func solid(w, h int, c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []byte{c.R, c.G, c.B, 255})
	}
	return img
}

func TestPixelsOfEveryContentType(t *testing.T) {
	size := InputSize{8, 8}
	red := color.RGBA{200, 20, 30, 255}
	var jpg, pngBytes bytes.Buffer
	if err := jpeg.Encode(&jpg, solid(100, 60, red), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pngBytes, solid(8, 8, red)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []schemas.Frame{
		{ContentType: schemas.JPEG, Image: jpg.Bytes()},
		{ContentType: schemas.PNG, Image: pngBytes.Bytes()},
		{ContentType: schemas.RGB8, Width: 2, Height: 3, Image: bytes.Repeat([]byte{200, 20, 30}, 6)},
	} {
		got, err := Pixels(&f, size)
		if err != nil {
			t.Fatalf("%s: %v", f.ContentType, err)
		}
		if len(got) != size.Bytes() {
			t.Fatalf("%s: %d bytes", f.ContentType, len(got))
		}
		for i, want := range []byte{200, 20, 30} {
			if d := int(got[3*9+i]) - int(want); d < -6 || d > 6 {
				t.Errorf("%s: channel %d is %d, expected about %d", f.ContentType, i, got[3*9+i], want)
			}
		}
	}
}

func TestPixelsRefusesBadFrames(t *testing.T) {
	var ok bytes.Buffer
	if err := png.Encode(&ok, solid(8, 8, color.RGBA{1, 2, 3, 255})); err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(ok.Bytes())
	copy(huge[16:], []byte{0, 1, 0, 0, 0, 1, 0, 0})                        // declares 65536x65536
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29])) // of the changed header
	for name, c := range map[string]struct {
		frame schemas.Frame
		want  string
	}{
		"no content type": {schemas.Frame{Image: ok.Bytes()}, "no content-type"},
		"another type":    {schemas.Frame{ContentType: "video/mp4", Image: ok.Bytes()}, "video/mp4"},
		"lying type":      {schemas.Frame{ContentType: schemas.JPEG, Image: ok.Bytes()}, "image/png"},
		"empty":           {schemas.Frame{ContentType: schemas.JPEG}, "decode image"},
		"truncated":       {schemas.Frame{ContentType: schemas.PNG, Image: ok.Bytes()[:40]}, "decode image"},
		"huge":            {schemas.Frame{ContentType: schemas.PNG, Image: huge}, "65536x65536 pixels"},
		"huge raw":        {schemas.Frame{ContentType: schemas.RGB8, Width: 1 << 30, Height: 1 << 30}, "pixels"},
		"short raw":       {schemas.Frame{ContentType: schemas.RGB8, Width: 4, Height: 4, Image: make([]byte, 5)}, "expected 48"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Pixels(&c.frame, InputSize{8, 8}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, expected one that says %q", err, c.want)
			}
		})
	}
}

func FuzzPixels(f *testing.F) {
	var ok bytes.Buffer
	if err := png.Encode(&ok, solid(8, 8, color.RGBA{1, 2, 3, 255})); err != nil {
		f.Fatal(err)
	}
	f.Add(schemas.PNG, ok.Bytes(), int32(0), int32(0))
	f.Add(schemas.RGB8, make([]byte, 12), int32(2), int32(2))
	f.Add(schemas.JPEG, []byte{0xff, 0xd8, 0xff}, int32(-1), int32(1<<30))
	f.Fuzz(func(t *testing.T, contentType string, value []byte, w, h int32) {
		size := InputSize{8, 8}
		got, err := Pixels(&schemas.Frame{ContentType: contentType, Image: value, Width: w, Height: h}, size)
		if err == nil && len(got) != size.Bytes() {
			t.Fatalf("%d bytes", len(got))
		}
	})
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
