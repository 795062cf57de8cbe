package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

func TestImageFolderHoldsStreamsBySecond(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "frames")
	folder, err := newImageFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 5, 4, 12, 0, 0, 700e6, time.UTC)
	for i := range 3 {
		for _, stream := range []string{"gate", "gate/door"} {
			f := schemas.Frame{Stream: stream, EventTime: start.Add(time.Duration(i) * 600 * time.Millisecond), Image: []byte(stream)}
			if err := folder.write(t.Context(), []schemas.Frame{f}); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := filepath.Glob(filepath.Join(dir, "gate", "door", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i] = filepath.Base(got[i])
	}
	if want := []string{"00000_0000001.jpg", "00000_0000002.jpg", "00001_0000003.jpg"}; !slices.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "gate", "00000_0000001.jpg")); err != nil || string(b) != "gate" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := newImageFolder(dir); err == nil || !strings.Contains(err.Error(), "choose another folder") {
		t.Errorf("a second recording into the same folder: %v", err)
	}
}

// A video file and its regions become images, without a broker.
func TestProduceInto(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	film := filepath.Join(dir, "film.mp4")
	writeFilm(t, film)
	c := root()
	c.SetArgs([]string{"produce", "--source", "video:" + film, "--into", filepath.Join(dir, "frames"), "--fps", "5", "--crop", "left=0,0,80,120", "--crop", "whole=all"})
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, region := range []string{"left", "whole"} {
		if got, err := filepath.Glob(filepath.Join(dir, "frames", "film", region, "*.jpg")); err != nil || len(got) != 10 {
			t.Errorf("%s: %d images, %v; expected 10", region, len(got), err)
		}
	}
}
