package picture

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// decoders runs a test with libjpeg-turbo, where available, and without.
func decoders(t *testing.T, test func(t *testing.T)) {
	before := turbo
	t.Cleanup(func() { turbo = before })
	if before() != nil {
		t.Run("libjpeg-turbo", test)
	}
	turbo = func() *library { return nil }
	t.Run("image-jpeg", test)
}

func pixels(t *testing.T, f schemas.Frame, v View) []byte {
	t.Helper()
	dst := make([]byte, v.Bytes())
	if err := Decode(dst, &f, v); err != nil {
		t.Fatal(err)
	}
	return dst
}

func rgbOf(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r := (&scratch{}).raster(img)
	out := make([]byte, 0, r.width*r.height*3)
	for i := 0; i < len(r.pix); i += r.channels {
		out = append(out, r.pix[i:i+3]...)
	}
	return out
}

// meanDifference is in levels of 0 to 255.
func meanDifference(a, b []byte) float64 {
	var sum float64
	for i := range a {
		sum += max(float64(a[i])-float64(b[i]), float64(b[i])-float64(a[i]))
	}
	return sum / float64(len(a))
}

func TestPicturesDecodeAsInPillow(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	decoders(t, func(t *testing.T) {
		for _, file := range files {
			if strings.HasSuffix(file, ".pillow.png") {
				continue
			}
			t.Run(filepath.Base(file), func(t *testing.T) {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				got := pixels(t, schemas.Frame{Image: b}, View{Width: 32, Height: 32})
				want := rgbOf(t, strings.TrimSuffix(file, filepath.Ext(file))+".pillow.png")
				if d := meanDifference(got, want); d > 2 {
					t.Errorf("%.2f levels from Pillow on average", d)
				}
			})
		}
	})
}

// A PNG that ends behind its pixels is read; one that lacks some of them is not.
func TestAPNGWithoutItsEnd(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/png-*[^w].png")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := View{Width: 32, Height: 32}
		want := pixels(t, schemas.Frame{Image: b}, v)
		if got := pixels(t, schemas.Frame{Image: b[:len(b)-len(pngEnd)]}, v); !bytes.Equal(got, want) {
			t.Errorf("%s: other pixels without the end", file)
		}
		if err := Decode(make([]byte, v.Bytes()), &schemas.Frame{Image: b[:len(b)-len(pngEnd)-9]}, v); err == nil {
			t.Errorf("%s: decoded without all of its pixels", file)
		}
	}
}

// libjpeg reads JPEGs with arithmetic coding, image/jpeg does not, which is an error of the frame.
func TestArithmeticCoding(t *testing.T) {
	b, err := os.ReadFile("testdata/arithmetic.jpg")
	if err != nil {
		t.Fatal(err)
	}
	decoders(t, func(t *testing.T) {
		v := View{Width: 1, Height: 1}
		dst := make([]byte, v.Bytes())
		err := Decode(dst, &schemas.Frame{Image: b}, v)
		switch {
		case turbo() == nil && err == nil:
			t.Error("image/jpeg decodes it")
		case turbo() != nil && (err != nil || meanDifference(dst, []byte{10, 200, 20}) > 3):
			t.Errorf("pixel %v, error %v", dst, err)
		}
	})
}
