package frames

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"golang.org/x/image/draw"
)

func film(t testing.TB, c Camera) Source {
	t.Helper()
	s, err := Filmed(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// frameOf returns frame i of a sequence, as sent and as seen.
func frameOf(t testing.TB, s Source, class int, seed uint64, i int) (sent []byte, seen image.Image) {
	t.Helper()
	n := 0
	for f, err := range s.Play(class, seed) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n <= i {
			continue
		}
		seen, err := jpeg.Decode(bytes.NewReader(f.Bytes))
		if err != nil {
			t.Fatal(err)
		}
		return f.Bytes, seen
	}
	t.Fatalf("no frame %d", i)
	return nil, nil
}

// rms is the root mean square difference of two pictures of one size, in levels.
func rms(a, b image.Image) float64 {
	var sum, n float64
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r, g, b1, _ := a.At(x, y).RGBA()
			s, h, b2, _ := b.At(x, y).RGBA()
			for _, d := range []float64{float64(r) - float64(s), float64(g) - float64(h), float64(b1) - float64(b2)} {
				sum += d * d / 257 / 257
				n++
			}
		}
	}
	return math.Sqrt(sum / n)
}

// The middle of a camera's picture, scaled down, is what Scenes shows for the same seed, whatever the aspect ratio.
func TestFilmedShowsTheSameScenes(t *testing.T) {
	plain := newScenes(t, DefaultSize)
	for _, c := range []Camera{DefaultCamera, {Width: 360, Height: 640, Quality: 90}, {Width: 128, Height: 128, Quality: 90}} {
		s := film(t, c)
		near, far := 0.0, 0.0
		for class := 0; class < 48; class += 8 {
			_, large := frameOf(t, s, class, 7, 2)
			if b := large.Bounds(); b.Dx() != c.Width || b.Dy() != c.Height {
				t.Fatalf("%v pixels of a camera of %d x %d", b, c.Width, c.Height)
			}
			side := min(c.Width, c.Height)
			x, y := (c.Width-side)/2, (c.Height-side)/2
			small := image.NewRGBA(image.Rect(0, 0, DefaultSize, DefaultSize))
			draw.CatmullRom.Scale(small, small.Rect, large, image.Rect(x, y, x+side, y+side), draw.Src, nil)
			_, same := frameOf(t, plain, class, 7, 2)
			_, other := frameOf(t, plain, class, 8, 2)
			near, far = near+rms(small, same)/6, far+rms(small, other)/6
		}
		if near > 16 || near > far/3 {
			t.Errorf("%+v: %.1f levels from the same scenes, %.1f from others", c, near, far)
		}
	}
}

// The same seed gives the same bytes; more noise makes a picture larger, more quality too.
func TestFilmedFollowsItsSettings(t *testing.T) {
	size := func(c Camera) int { sent, _ := frameOf(t, film(t, c), 5, 1, 3); return len(sent) }
	c := DefaultCamera
	a, _ := frameOf(t, film(t, c), 5, 1, 3)
	if b, _ := frameOf(t, film(t, c), 5, 1, 3); !bytes.Equal(a, b) {
		t.Error("the same seed gave different pictures")
	}
	noisy, clean, fine := c, c, c
	noisy.Noise, clean.Noise, fine.Quality = 4, 0, 95
	if size(noisy) <= len(a) || size(clean) >= len(a) || size(fine) <= len(a) {
		t.Errorf("%d bytes; with more noise %d, without %d, of better quality %d", len(a), size(noisy), size(clean), size(fine))
	}
}

func TestInvalidCameras(t *testing.T) {
	for _, c := range []Camera{{}, {Width: 640, Height: 361}, {Width: 64, Height: 64}, {Width: 4096, Height: 360}, {Width: 640, Height: 360, Quality: 101},
		{Width: 640, Height: 360, Noise: -1}, {Width: 640, Height: 360, Noise: math.NaN()}} {
		if _, err := Filmed(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func BenchmarkFilmed(b *testing.B) {
	s := film(b, DefaultCamera)
	b.ReportAllocs()
	n, size := 0, 0
	for n < b.N {
		for f, err := range s.Play(n%48, uint64(n)) {
			if err != nil {
				b.Fatal(err)
			}
			size += len(f.Bytes)
			if n++; n >= b.N {
				break
			}
		}
	}
	b.ReportMetric(float64(size)/float64(n), "bytes/frame")
}
