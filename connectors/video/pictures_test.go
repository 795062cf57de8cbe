package video

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// ffmpeg returns the path of an ffmpeg. Without one the test is skipped, unless CACHENET_TEST_VIDEO is set.
func ffmpeg(t *testing.T) string {
	t.Helper()
	path, err := FindFFmpeg(t.Context())
	if err != nil && os.Getenv("CACHENET_TEST_VIDEO") == "" {
		t.Skipf("NOT RUN, see make test-video: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// render runs ffmpeg to make a file.
func render(t *testing.T, args ...string) string {
	t.Helper()
	if out, err := exec.Command(ffmpeg(t), append([]string{"-nostdin", "-v", "error", "-y"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return args[len(args)-1]
}

const width, height = 160, 120

// quarters is a picture of four colours; the grey of its upper left corner encodes i.
func quarters(i int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for j, c := range []color.RGBA{{uint8(i), uint8(i), uint8(i), 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}} {
		x, y := j%2*width/2, j/2*height/2
		draw.Draw(m, image.Rect(x, y, x+width/2, y+height/2), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return m
}

// jpegs are n pictures as some cameras send them: each has a thumbnail, itself a JPEG, in a segment before it.
func jpegs(t *testing.T, n int) (pictures [][]byte) {
	t.Helper()
	for i := range n {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, quarters(10*i), &jpeg.Options{Quality: 80}); err != nil {
			t.Fatal(err)
		}
		whole := b.Bytes()
		thumbnail := append([]byte("Exif\x00\x00"), whole[:min(len(whole), 60000)]...)
		segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(thumbnail)))
		pictures = append(pictures, append(append(append([]byte{0xff, 0xd8}, segment...), thumbnail...), whole[2:]...))
	}
	return pictures
}

// motion writes pictures as a Motion JPEG file of fps frames a second, unchanged.
func motion(t *testing.T, pictures [][]byte, fps int) string {
	t.Helper()
	dir := t.TempDir()
	for i, p := range pictures {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.jpg", i)), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return render(t, "-framerate", fmt.Sprint(fps), "-i", filepath.Join(dir, "%03d.jpg"), "-c", "copy", filepath.Join(dir, "gate.avi"))
}

// clip writes an H.264 file of n pictures, 25 a second.
func clip(t *testing.T, n int, name string) string {
	t.Helper()
	return render(t, "-i", motion(t, jpegs(t, n), 25), "-c:v", "libx264", "-pix_fmt", "yuv420p", "-qp", "10", "-bf", "0", "-g", "5",
		"-x264-params", "aud=1", filepath.Join(t.TempDir(), name))
}

// colour returns a pixel of a frame.
func colour(t *testing.T, f schemas.Frame, x, y int) color.RGBA {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(f.Image))
	if err != nil {
		t.Fatal(err)
	}
	return color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)
}

// size returns how many pixels a frame is wide and high.
func size(t *testing.T, f schemas.Frame) (w, h int) {
	t.Helper()
	c, err := jpeg.DecodeConfig(bytes.NewReader(f.Image))
	if err != nil {
		t.Fatal(err)
	}
	return c.Width, c.Height
}

var red = color.RGBA{255, 0, 0, 255}

// near reports whether two colours are equal up to encoding loss.
func near(a, b color.RGBA) bool {
	apart := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return apart(a.R, b.R) < 25 && apart(a.G, b.G) < 25 && apart(a.B, b.B) < 25
}

// screen records what is published, by stream.
type screen struct {
	mu     sync.Mutex
	frames map[string][]schemas.Frame
}

func (s *screen) publish(_ context.Context, frames []schemas.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frames == nil {
		s.frames = map[string][]schemas.Frame{}
	}
	for _, f := range frames {
		s.frames[f.Stream] = append(s.frames[f.Stream], f)
	}
	return nil
}

func (s *screen) count(stream string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.frames[stream])
}

// eventually polls until ok, or fails the test after a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// play plays sources to the end.
func play(t *testing.T, o Options, crops []string, sources ...string) (map[string][]schemas.Frame, []Summary) {
	t.Helper()
	var s screen
	summaries, err := open(t, o, crops, sources...).Play(t.Context(), Sink{Publish: s.publish})
	if err != nil {
		t.Fatal(err)
	}
	return s.frames, summaries
}

func open(t *testing.T, o Options, crops []string, sources ...string) *Playback {
	t.Helper()
	o.FFmpeg = ffmpeg(t)
	cameras, err := Cameras(sources)
	if err != nil {
		t.Fatal(err)
	}
	if o.Regions, err = Regions(crops, cameras); err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), cameras, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
