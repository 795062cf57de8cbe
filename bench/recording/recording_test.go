package recording

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

func made(t *testing.T, h Header) (*Recording, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "frames")
	if err := Make(path, h); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, path
}

func header(width, height int) Header {
	return Header{Width: width, Height: height, Streams: 3, Frames: 5, Active: 2, Dwell: 3, Chunk: 2, Seed: 1}
}

func TestFramesComeChunkByChunk(t *testing.T) {
	r, _ := made(t, header(32, 32))
	var order [][2]int
	for f := range r.All(4) {
		order = append(order, [2]int{f.Stream, f.Sequence})
	}
	want := [][2]int{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 2}, {2, 3}}
	if d := cmp.Diff(want, order); d != "" {
		t.Error(d)
	}
}

func TestOneSeedGivesTheSameFrames(t *testing.T) {
	h := header(80, 60)
	a, path := made(t, h)
	b, _ := made(t, h)
	if !bytes.Equal(a.frames, b.frames) {
		t.Error("two recordings of one seed differ")
	}
	before, _ := os.Stat(path)
	if err := Make(path, h); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("an existing recording was generated again")
	}
	h.Seed = 2
	c, _ := made(t, h)
	if bytes.Equal(a.frames, c.frames) {
		t.Error("another seed gives the same frames")
	}
}

// Camera frames have the sizes, in pixels and in bytes, that the documents state.
func TestCameraSizes(t *testing.T) {
	for _, c := range []struct{ width, height, low, high int }{{640, 480, 44_000, 54_000}, {1280, 720, 116_000, 142_000}} {
		h := header(c.width, c.height)
		h.Streams, h.Frames, h.Chunk = 2, 1, 1
		r, _ := made(t, h)
		n, total := 0, 0
		for f := range r.All(h.Frames) {
			size, err := jpeg.DecodeConfig(bytes.NewReader(f.Image))
			if err != nil || size.Width != c.width || size.Height != c.height {
				t.Fatalf("%v, %v", size, err)
			}
			n, total = n+1, total+len(f.Image)
		}
		if mean := total / n; mean < c.low || mean > c.high {
			t.Errorf("%d×%d: %d bytes a frame", c.width, c.height, mean)
		}
	}
}

func TestAnswersRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers")
	want := []Answer{{1, 2, 3, true}, {4, 5, -1, false}}
	if err := WriteAnswers(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadAnswers(path)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("1 2 x true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAnswers(path); err == nil {
		t.Error("a damaged file was read")
	}
}

// The nets see the middle of a wide frame: it must be the frame as rendered.
func TestTheMiddleIsTheWholeFrame(t *testing.T) {
	small, _ := made(t, header(32, 32))
	wide, _ := made(t, header(320, 240))
	var squares [][]byte
	for f := range small.All(1) {
		squares = append(squares, f.Image)
	}
	i := 0
	for f := range wide.All(1) {
		view := picture.View{Width: 32, Height: 32, Resize: picture.Crop}
		a, b := pixels(t, squares[i], view), pixels(t, f.Image, view)
		sum := 0
		for p := range a {
			sum += max(int(a[p])-int(b[p]), int(b[p])-int(a[p]))
		}
		if mean := float64(sum) / float64(len(a)); mean > 12 { // noise, and edges that scaling softens
			t.Errorf("frame %d: %.1f levels apart on average", i, mean)
		}
		i++
	}
}

func pixels(t *testing.T, jpeg []byte, view picture.View) []byte {
	t.Helper()
	b := make([]byte, view.Bytes())
	if err := picture.Decode(b, &schemas.Frame{ContentType: schemas.JPEG, Image: jpeg}, view); err != nil {
		t.Fatal(err)
	}
	return b
}
