package picture

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// rgb is a raster's pixels without padding.
func (r raster) rgb() []byte {
	out := make([]byte, 0, 3*r.width*r.height)
	for y := range r.height {
		out = append(out, r.pix[y*r.stride:][:3*r.width]...)
	}
	if r.ycc {
		toRGB(out)
	}
	return out
}

// coarsely decodes with the coarse decoder alone.
func coarsely(t testing.TB, b []byte, denominator int) ([]byte, bool) {
	t.Helper()
	h, err := readHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	s := &scratch{}
	r, ok := s.coarse.decode(b, &h, denominator, s)
	if !ok {
		return nil, false
	}
	return r.rgb(), true
}

// seen is what a view shows of a picture decoded at 1/d.
func seen(r raster, h header, v View, d int) []byte {
	dst, s := make([]byte, v.Bytes()), &scratch{}
	s.show(dst, r, v, h.box(v).scaled(d), 1)
	return dst
}

// What cameras send is decoded coarsely, and a net is shown the same pixels as of the whole picture; the rest is left to
// libjpeg.
func TestCoarsePixelsAreThoseOfTheWholePicture(t *testing.T) {
	lib := turbo()
	if lib == nil {
		t.Skip("libjpeg-turbo is not here")
	}
	others := []string{"jpeg-411.jpg", "jpeg-cmyk.jpg", "jpeg-progressive.jpg", "jpeg-rgb.jpg"}
	files, err := filepath.Glob("testdata/corpus/*.jpg")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			b := corpus(t, name)
			h, err := readHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			h.orientation = 1
			for _, d := range []int{8, 4} {
				s := &scratch{}
				r, ok := s.coarse.decode(b, &h, d, s)
				if ok == slices.Contains(others, name) {
					t.Fatalf("1/%d: decoded coarsely: %t", d, ok)
				}
				v := View{Width: h.width / (2 * d), Height: h.height / (2 * d)}
				if !ok || v.Width < 1 || v.Height < 1 {
					continue
				}
				whole, err := lib.decode(b, h, 1, &scratch{})
				scaled, err2 := lib.decode(b, h, d, &scratch{})
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				ours, theirs := meanDifference(seen(r, h, v, d), seen(whole, h, v, 1)), meanDifference(seen(scaled, h, v, d), seen(whole, h, v, 1))
				if most := theirs + 2; ours > most || h.width > 300 && ours > 1.5 {
					t.Errorf("1/%d: %.2f levels from the whole picture on average, libjpeg's %.2f", d, ours, theirs)
				}
			}
		})
	}
}

// A grey picture has no colours to lose, and its blocks' means are libjpeg's to a level.
func TestCoarseMeansAreExact(t *testing.T) {
	lib := turbo()
	if lib == nil {
		t.Skip("libjpeg-turbo is not here")
	}
	b := corpus(t, "jpeg-grey-camera.jpg")
	h, _ := readHeader(b)
	got, ok := coarsely(t, b, 8)
	want, err := lib.decode(b, h, 8, &scratch{})
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	for i, v := range want.rgb() {
		if d := int(v) - int(got[i]); d < -1 || d > 1 {
			t.Fatalf("byte %d is %d, of libjpeg %d", i, got[i], v)
		}
	}
}

func TestCoarseAtFullSizeIsLeftToLibjpeg(t *testing.T) {
	for _, d := range []int{1, 2} {
		if _, ok := coarsely(t, corpus(t, "jpeg-camera.jpg"), d); ok {
			t.Errorf("decoded at 1/%d", d)
		}
	}
}

// The tables of a picture before must not be used for one that has others, whatever the order.
func TestCoarseTablesAreTheirOwn(t *testing.T) {
	names := []string{"jpeg-camera.jpg", "jpeg-optimised.jpg", "jpeg-grey-camera.jpg", "jpeg-no-tables.jpg", "jpeg-restart-422.jpg"}
	want := map[string][]byte{}
	for _, name := range names {
		want[name], _ = coarsely(t, corpus(t, name), 4)
	}
	s, random := &scratch{}, rand.New(rand.NewPCG(1, 2))
	for range 200 {
		name := names[random.IntN(len(names))]
		b := corpus(t, name)
		h, _ := readHeader(b)
		r, ok := s.coarse.decode(b, &h, 4, s)
		if !ok || !bytes.Equal(r.rgb(), want[name]) {
			t.Fatalf("%s: other pixels after other pictures (decoded: %t)", name, ok)
		}
	}
	if kept := len(s.coarse.tables.pairs); kept > keptPairs {
		t.Errorf("%d pairs of tables are kept", kept)
	}
}

// Damage that libjpeg would notice is left to libjpeg, which decides whether what is there is enough.
func TestCoarseRefusesWhatIsDamaged(t *testing.T) {
	b := corpus(t, "jpeg-camera.jpg")
	h, _ := readHeader(b)
	scan := len(b) - h.data
	damage := map[string]func(c []byte) []byte{
		"half of it":      func(c []byte) []byte { return c[:h.data+scan/2] },
		"without its end": func(c []byte) []byte { return append(c[:len(c)-40], 0xff, markerEOI) },
		"a marker within": func(c []byte) []byte { c[h.data+scan/2], c[h.data+scan/2+1] = 0xff, 0xc4; return c },
		"a lost restart":  func(c []byte) []byte { c[h.data+scan/2], c[h.data+scan/2+1] = 0xff, 0xd0; return c },
		"bytes too many":  func(c []byte) []byte { return append(c[:len(c)-2], 1, 2, 3, 4, 0xff, markerEOI) },
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			if _, ok := coarsely(t, f(bytes.Clone(b)), 8); ok {
				t.Error("decoded")
			}
		})
	}
	if _, ok := coarsely(t, b[:len(b)-2], 8); !ok {
		t.Error("not decoded without its end marker")
	}
}

// Whatever bytes are wrong, decoding ends, within its buffers.
func FuzzCoarse(f *testing.F) {
	for _, name := range []string{"jpeg-420.jpg", "jpeg-restart.jpg", "jpeg-restart-422.jpg", "jpeg-no-tables.jpg", "jpeg-grey.jpg", "jpeg-odd.jpg"} {
		f.Add(corpus(f, name), uint16(0), byte(0))
	}
	f.Fuzz(func(t *testing.T, b []byte, at uint16, with byte) {
		if len(b) > 0 {
			b = bytes.Clone(b)
			b[int(at)%len(b)] ^= with
		}
		h, err := readHeader(b)
		if err != nil || checkSize(h.width, h.height) != nil || h.width*h.height > 1<<20 {
			return
		}
		s := &scratch{}
		for _, d := range []int{8, 4} {
			_, _ = s.coarse.decode(b, &h, d, s)
		}
	})
}

// Bytes changed at random in a camera's frame: an error or pixels, and those of a sound frame again after it.
func TestCoarseSurvivesWrongBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	b := corpus(t, "jpeg-restart-422.jpg")
	v := View{Width: 32, Height: 32}
	want := pixels(t, schemas.Frame{Image: b}, v)
	for range 500 {
		c := bytes.Clone(b)
		for range 1 + random.IntN(3) {
			c[2+random.IntN(len(c)-2)] = byte(random.Uint32())
		}
		_ = Decode(make([]byte, v.Bytes()), &schemas.Frame{Image: c}, v)
	}
	if got := pixels(t, schemas.Frame{Image: b}, v); !bytes.Equal(got, want) {
		t.Error("other pixels after damaged frames")
	}
}
