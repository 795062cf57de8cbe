package monitor

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

func frame(stream string, offset int64, image string) schemas.Frame {
	return schemas.Frame{Stream: stream, Offset: offset, ContentType: schemas.PNG, Image: []byte(image)}
}

func hit(stream string, offset int64) schemas.Outcome {
	return schemas.Outcome{Stream: stream, Offset: offset, Outcome: schemas.Hit, Label: "cat", EventTime: time.UnixMilli(offset)}
}

func (g *gallery) offsets(stream string) (all []int64) {
	for _, o := range g.show(stream).Shown {
		all = append(all, o.Offset)
	}
	return all
}

func TestOnlyFramesOfStreamsThatAreLookedAtAreKept(t *testing.T) {
	g := newGallery(2)
	pass := func(offset int64) {
		for _, stream := range []string{"cam-1", "cam-2"} {
			g.take([]schemas.Frame{frame(stream, offset, "image")})
			g.answer([]schemas.Outcome{hit(stream, offset)})
		}
	}
	pass(1)
	leave, err := g.open("cam-1")
	if err != nil {
		t.Fatal(err)
	}
	leaveToo, _ := g.open("cam-1")
	for offset := range int64(4) {
		pass(2 + offset)
	}
	if got := fmt.Sprint(g.offsets("cam-1"), g.offsets("cam-2")); got != "[5 4] []" || g.bytes != 10 {
		t.Errorf("%s, %d bytes", got, g.bytes)
	}
	leave()
	leave() // counts once
	if len(g.offsets("cam-1")) != 2 {
		t.Error("the frames went with the first of two pages")
	}
	leaveToo()
	pass(9)
	if g.bytes != 0 || len(g.streams) != 0 || g.busy.Load() != 0 {
		t.Errorf("nobody looks any more: %d bytes, %d streams", g.bytes, len(g.streams))
	}
}

// A run that lags has many frames in flight: later ones must not push out those whose rows come first.
func TestFramesOfARunThatLagsAreShown(t *testing.T) {
	g := newGallery(2)
	leave, _ := g.open("cam")
	defer leave()
	for offset := range int64(100) {
		g.take([]schemas.Frame{frame("cam", offset, "image")})
	}
	for offset := range int64(100) {
		g.answer([]schemas.Outcome{hit("cam", offset)})
	}
	if shown := g.show("cam"); len(shown.Shown) != 2 || shown.Skipped != 98 {
		t.Errorf("%d shown, %d skipped", len(shown.Shown), shown.Skipped)
	}
}

// A frame that a lost job took is read again by the next one.
func TestFramesOfALostJobAreForgotten(t *testing.T) {
	g := newGallery(1)
	leave, _ := g.open("cam")
	defer leave()
	g.take([]schemas.Frame{frame("cam", 1, "lost")})
	g.begin()
	g.take([]schemas.Frame{frame("cam", 1, "again")})
	g.answer([]schemas.Outcome{hit("cam", 1)})
	if kept, _ := g.kept("cam"); len(kept) != 1 || string(kept[0].frame.Image) != "again" || g.bytes != 5 {
		t.Errorf("%d kept, %d bytes", len(kept), g.bytes)
	}
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	g := newGallery(1)
	for i := range watched {
		if _, err := g.open(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.open("one more"); err == nil {
		t.Error("not refused")
	}
	if _, err := g.open("0"); err != nil {
		t.Errorf("a stream that is shown already: %v", err)
	}
}

// Whatever comes, the gallery keeps to its bounds and counts its bytes.
func TestTheGalleryKeepsToItsBounds(t *testing.T) {
	big := strings.Repeat("x", galleryBytes/5)
	rapid.Check(t, func(t *rapid.T) {
		g := newGallery(rapid.IntRange(1, 4).Draw(t, "limit"))
		var leaves []func()
		next := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			stream := fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "stream"))
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				if leave, err := g.open(stream); err == nil {
					leaves = append(leaves, leave)
				}
			case 1:
				if len(leaves) > 0 {
					leaves[0]()
					leaves = leaves[1:]
				}
			case 2:
				g.answer([]schemas.Outcome{hit(stream, rapid.Int64Range(0, next).Draw(t, "answered"))})
			default:
				next++
				g.take([]schemas.Frame{frame(stream, next, big[:rapid.IntRange(0, len(big)).Draw(t, "size")])})
			}
			sum := 0
			for _, e := range g.streams {
				for _, a := range e.answered {
					sum += len(a.frame.Image)
				}
				for _, f := range e.waiting {
					sum += len(f.Image)
				}
				if len(e.answered) > g.limit || len(e.waiting) > g.limit {
					t.Fatalf("%d answered, %d waiting, limit %d", len(e.answered), len(e.waiting), g.limit)
				}
			}
			if sum != g.bytes || sum > galleryBytes {
				t.Fatalf("%d bytes, counted as %d", sum, g.bytes)
			}
		}
		for _, leave := range leaves {
			leave()
		}
		if g.bytes != 0 || len(g.streams) != 0 {
			t.Fatalf("at the end: %d bytes, %d streams", g.bytes, len(g.streams))
		}
	})
}

func TestFramesAreShownOnRequestOnly(t *testing.T) {
	const stream = "cam 1&2"
	for _, limit := range []int{0, 3} {
		m := started(t, Run{Topic: "frames", LiveFrames: limit})
		j := job(t)
		m.Follow(j)
		leave, _ := m.look(stream)
		defer leave()
		raw := schemas.Frame{Stream: stream, Offset: 8, ContentType: schemas.RGB8, Width: 1, Height: 2, Image: []byte("rgbRGB")}
		j.Hold(schemas.Run{Frames: []schemas.Frame{frame(stream, 7, "\x89PNG\r\n"), raw, frame(stream, 9, "<html>")}})
		j.Rows([]schemas.Outcome{hit(stream, 7), hit(stream, 8), hit(stream, 9)})
		_, text := get(t, m, "/?stream="+url.QueryEscape(stream))
		if n := strings.Count(text, `<img src="data:image/png;base64,`); n != min(limit, 2) || strings.Count(text, "no picture") != limit/3 {
			t.Errorf("--live-frames %d: %d pictures", limit, n)
		}
		if linked := strings.Contains(text, `<a href="?stream=cam%201%262#frames">`); linked != (limit > 0) {
			t.Errorf("--live-frames %d: streams can be chosen is %v", limit, linked)
		}
	}
}

func TestRawPixelsThatAreNoPicture(t *testing.T) {
	for _, f := range []schemas.Frame{{}, {Width: 2, Height: 2, Image: make([]byte, 11)}, {Width: -1, Height: -1, Image: make([]byte, 3)}, {Width: 1 << 30, Height: 1 << 30}} {
		if f.ContentType = schemas.RGB8; picture(&f) != "" {
			t.Errorf("%d x %d, %d bytes: a picture", f.Width, f.Height, len(f.Image))
		}
	}
}
