package video

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// The pictures of an MJPEG file are published byte for byte, thumbnails included, at the file's timestamps.
func TestMotionJPEGIsNotEncodedAgain(t *testing.T) {
	want := jpegs(t, 20)
	before := time.Now()
	frames, summaries := play(t, Options{}, nil, "video:"+motion(t, want, 10))
	got := frames["gate"]
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d; %+v", len(got), len(want), summaries)
	}
	for i, f := range got {
		if !bytes.Equal(f.Image, want[i]) || f.Sequence != int64(i) || f.ContentType != schemas.JPEG {
			t.Fatalf("frame %d differs from the source: sequence %d, %s, %d bytes", i, f.Sequence, f.ContentType, len(f.Image))
		}
		if d := f.EventTime.Sub(got[0].EventTime); (d - time.Duration(i)*100*time.Millisecond).Abs() > time.Millisecond {
			t.Errorf("frame %d is at %s", i, d)
		}
	}
	if last := got[len(got)-1].EventTime; last.After(time.Now()) || last.Before(before.Add(-time.Second)) {
		t.Errorf("the last frame is of %s, read at %s", last, before)
	}
	if want := (Summary{Camera: "gate", Frames: 20}); summaries[0] != want {
		t.Errorf("%+v", summaries[0])
	}
}

// Each crop is its own stream and shows exactly that part of the picture, for all codecs.
func TestCropsAreStreams(t *testing.T) {
	for _, source := range []string{motion(t, jpegs(t, 5), 25), clip(t, 5, "gate.mp4")} {
		crops := []string{"red=81,1,31,33", "gate/blue=80,60,80,60", "seam=79,59,2,2", "all=all"}
		frames, summaries := play(t, Options{}, crops, "video:"+source)
		if summaries[0].Frames != 20 || len(frames) != 4 {
			t.Fatalf("%d streams, %+v", len(frames), summaries[0])
		}
		for stream, want := range map[string]struct {
			w, h, x, y int
			colour     color.RGBA
		}{
			"gate/red":  {31, 33, 0, 0, color.RGBA{255, 0, 0, 255}},
			"gate/blue": {80, 60, 79, 59, color.RGBA{0, 0, 255, 255}},
			"gate/seam": {2, 2, 0, 0, color.RGBA{40, 40, 40, 255}},
			"gate/all":  {width, height, 10, 110, color.RGBA{0, 255, 0, 255}},
		} {
			f := frames[stream][4]
			if got := colour(t, f, want.x, want.y); stream != "gate/seam" && !near(got, want.colour) {
				t.Errorf("%s, %s: colour %v, want %v", source, stream, got, want.colour)
			}
			if w, h := size(t, f); w != want.w || h != want.h {
				t.Errorf("%s: %d x %d pixels", stream, w, h)
			}
		}
		a, b := frames["gate/red"], frames["gate/all"]
		for i := range a {
			if !a[i].EventTime.Equal(b[i].EventTime) {
				t.Errorf("frame %d is of %s in one region and of %s in another", i, a[i].EventTime, b[i].EventTime)
			}
		}
	}
}

// --fps and --frames count the same whether frames are copied or encoded.
func TestFewerFrames(t *testing.T) {
	for _, source := range []string{motion(t, jpegs(t, 50), 25), clip(t, 50, "gate.mp4")} {
		frames, _ := play(t, Options{FPS: 10}, nil, "video:"+source)
		if got := frames["gate"]; len(got) != 20 {
			t.Errorf("%s: %d frames at 10 of 25 a second, want 20", source, len(got))
		}
		frames, _ = play(t, Options{Frames: 7}, []string{"a=all", "b=all"}, "video:"+source)
		if a, b := len(frames["gate/a"]), len(frames["gate/b"]); a != 7 || b != 7 {
			t.Errorf("%s: %d and %d frames, want 7 of each region", source, a, b)
		}
	}
}

// In real time, a file's frames are published at their timestamps.
func TestRealtime(t *testing.T) {
	begin := time.Now()
	frames, _ := play(t, Options{Realtime: true}, nil, "video:"+motion(t, jpegs(t, 10), 10))
	got := frames["gate"]
	if d := time.Since(begin); len(got) != 10 || d < 900*time.Millisecond {
		t.Errorf("%d frames of 900 ms after %s", len(got), d)
	}
	if got[0].EventTime.Before(begin) {
		t.Errorf("the first frame has time %s, and playback began at %s", got[0].EventTime, begin)
	}
}

// Errors in files are reported before anything is published, for all files at once.
func TestFilesThatCannotBePlayed(t *testing.T) {
	dir := t.TempDir()
	good := motion(t, jpegs(t, 2), 25)
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return "video:" + path
	}
	odd := bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("MJPG"), []byte("XYZW")), []byte("mjpg"), []byte("xyzw"))
	sources := map[string]string{
		write("text.avi", []byte("no video")): "ffmpeg cannot read it as a video",
		write("odd.avi", odd):                 "no decoder for the codec",
		"video:" + render(t, "-f", "lavfi", "-i", "sine=d=0.1", filepath.Join(dir, "sound.wav")): "contains no video",
		"video:" + filepath.Join(dir, "nowhere.avi"):                                             "no such file",
		"video:" + good: `region "door" (100,100,61,20) is not inside the picture of 160 x 120 pixels`,
	}
	var all []string
	for s := range sources {
		all = append(all, s)
	}
	cameras, err := Cameras(all)
	if err != nil {
		t.Fatal(err)
	}
	regions, err := Regions([]string{"gate/door=100,100,61,20"}, cameras)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), cameras, Options{FFmpeg: ffmpeg(t), Regions: regions})
	if err == nil {
		t.Fatal("opened")
	}
	for s, want := range sources {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", s, err, want)
		}
	}
}

// A frame over the limit is skipped and counted; its neighbours are unaffected.
func TestFramesOverTheLimit(t *testing.T) {
	pictures := jpegs(t, 6)
	pictures[2] = append(bytes.Clone(pictures[2][:len(pictures[2])-2]), make([]byte, 50_000)...)
	var s screen
	summaries, err := open(t, Options{}, nil, "video:"+motion(t, pictures, 25)).Play(t.Context(), Sink{Publish: s.publish, MaxFrameBytes: 40_000})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.frames["gate"]; len(got) != 5 || summaries[0].TooLarge != 1 || !bytes.Equal(got[2].Image, pictures[3]) {
		t.Errorf("%d frames, %+v", len(got), summaries[0])
	}
}

// A broker that rejects frames ends playback; no goroutine and no ffmpeg is left.
func TestPublishFails(t *testing.T) {
	refused := errors.New("refused")
	source := "video:" + clip(t, 50, "gate.mp4")
	b := open(t, Options{}, nil, source, "yard="+source)
	calls := 0
	_, err := b.Play(t.Context(), Sink{Publish: func(context.Context, []schemas.Frame) error { calls++; return refused }})
	if !errors.Is(err, refused) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

// The pedestrians of OpenCV's examples: a real camera's MPEG-4, 79 s at 10 frames a second.
func TestRealVideo(t *testing.T) {
	const path = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
	if _, err := os.Stat(path); err != nil {
		t.Skip("NOT RUN: Debian's opencv-doc is not installed")
	}
	frames, summaries := play(t, Options{FPS: 5}, []string{"walk=300,100,200,300"}, "video:"+path)
	got := frames["vtest/walk"]
	if len(got) < 397 || len(got) > 398 || summaries[0].Gaps != 0 {
		t.Fatalf("%d frames, %+v", len(got), summaries[0])
	}
	if d := got[len(got)-1].EventTime.Sub(got[0].EventTime); d < 79*time.Second || d > 80*time.Second {
		t.Errorf("from the first to the last frame %s", d)
	}
	if w, h := size(t, got[100]); w != 200 || h != 300 {
		t.Errorf("%d x %d pixels", w, h)
	}
}
