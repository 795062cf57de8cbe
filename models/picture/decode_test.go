package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

func solid(w, h int, c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []byte{c.R, c.G, c.B, 255})
	}
	return img
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func corpus(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/corpus/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheBytesDecideTheContentType(t *testing.T) {
	red := color.RGBA{200, 20, 30, 255}
	jpg, portable := jpegOf(t, solid(100, 60, red)), pngOf(t, solid(8, 8, red))
	decoders(t, func(t *testing.T) {
		for name, f := range map[string]schemas.Frame{
			"JPEG":                        {ContentType: schemas.JPEG, Image: jpg},
			"PNG":                         {ContentType: schemas.PNG, Image: portable},
			"PNG declared as JPEG":        {ContentType: schemas.JPEG, Image: portable},
			"JPEG without a content type": {Image: jpg},
			"JPEG declared as image/jpg":  {ContentType: "image/jpg", Image: jpg},
			"raw":                         {ContentType: schemas.RGB8, Width: 2, Height: 3, Image: bytes.Repeat([]byte{200, 20, 30}, 6)},
			"raw of the right size":       {ContentType: schemas.RGB8, Width: 8, Height: 8, Image: bytes.Repeat([]byte{200, 20, 30}, 64)},
		} {
			got := pixels(t, f, View{Width: 8, Height: 8})
			for i, want := range []byte{200, 20, 30} {
				if d := int(got[3*9+i]) - int(want); d < -6 || d > 6 {
					t.Errorf("%s: channel %d is %d, expected about %d", name, i, got[3*9+i], want)
				}
			}
		}
	})
}

func TestBadFramesAreRefusedWithAReason(t *testing.T) {
	ok := pngOf(t, solid(8, 8, color.RGBA{1, 2, 3, 255}))
	huge := bytes.Clone(ok)
	copy(huge[16:], []byte{0, 1, 0, 0, 0, 1, 0, 0})                        // declares 65536x65536
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29])) // of the changed header
	plain := corpus(t, "jpeg-camera.jpg")
	decoders(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			frame schemas.Frame
			want  string
		}{
			"another type":      {schemas.Frame{ContentType: "video/mp4", Image: []byte("....ftyp")}, `"video/mp4"`},
			"no picture":        {schemas.Frame{ContentType: schemas.JPEG, Image: []byte("Hello")}, "text/plain"},
			"empty":             {schemas.Frame{ContentType: schemas.JPEG}, "empty"},
			"truncated PNG":     {schemas.Frame{ContentType: schemas.PNG, Image: ok[:40]}, "decode image"},
			"half a JPEG":       {schemas.Frame{ContentType: schemas.JPEG, Image: plain[:len(plain)/2]}, "decode image"},
			"a JPEG's header":   {schemas.Frame{ContentType: schemas.JPEG, Image: plain[:100]}, "ends before its first scan"},
			"start marker only": {schemas.Frame{Image: []byte{0xff, 0xd8, 0xff, 0xd9}}, "ends before its first scan"},
			"no pixels":         {schemas.Frame{Image: resized(plain, 0, 480)}, "0x480 pixels"},
			"huge":              {schemas.Frame{ContentType: schemas.PNG, Image: huge}, "65536x65536 pixels"},
			"huge JPEG":         {schemas.Frame{Image: resized(plain, 65535, 65535)}, "65535x65535 pixels"},
			"huge raw":          {schemas.Frame{ContentType: schemas.RGB8, Width: 1 << 30, Height: 1 << 30}, "pixels"},
			"short raw":         {schemas.Frame{ContentType: schemas.RGB8, Width: 4, Height: 4, Image: make([]byte, 5)}, "expected 48"},
			"scans":             {schemas.Frame{Image: manyScans(corpus(t, "jpeg-progressive.jpg"))}, "at most 100"},
		} {
			t.Run(name, func(t *testing.T) {
				v := View{Width: 8, Height: 8}
				if err := Decode(make([]byte, v.Bytes()), &c.frame, v); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("error is %v, expected one that says %q", err, c.want)
				}
			})
		}
	})
}

// resized is a JPEG that declares another size.
func resized(b []byte, w, h int) []byte {
	b = bytes.Clone(b)
	at := bytes.Index(b, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(b[at+5:], uint16(h))
	binary.BigEndian.PutUint16(b[at+7:], uint16(w))
	return b
}

// manyScans repeats a progressive JPEG's last scan a thousand times.
func manyScans(b []byte) []byte {
	last := b[bytes.LastIndex(b, []byte{0xff, markerSOS}) : len(b)-2]
	return slices.Concat(b[:len(b)-2], bytes.Repeat(last, 1000), b[len(b)-2:])
}

// A JPEG without its last few bytes is answered, with libjpeg-turbo, which reports the missing data.
func TestATruncatedJPEGIsAnswered(t *testing.T) {
	if turbo() == nil {
		t.Skip("needs libjpeg-turbo")
	}
	b := corpus(t, "jpeg-camera.jpg")
	v := View{Width: 32, Height: 32}
	want := pixels(t, schemas.Frame{Image: b}, v)
	got := pixels(t, schemas.Frame{Image: b[:len(b)-len(b)/50]}, v)
	if d := meanDifference(got, want); d > 3 {
		t.Errorf("%.1f levels", d)
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	if turbo() == nil {
		t.Skip("needs libjpeg-turbo")
	}
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	for _, name := range []string{"jpeg-exact.jpg", "jpeg-camera.jpg", "jpeg-orientation-6.jpg", "jpeg-cmyk.jpg"} {
		f, v := schemas.Frame{Image: corpus(t, name)}, View{Width: 32, Height: 32}
		dst := make([]byte, v.Bytes())
		allocations := testing.AllocsPerRun(200, func() {
			if err := Decode(dst, &f, v); err != nil {
				t.Error(err)
			}
		})
		if allocations >= 1 {
			t.Errorf("%s: %v allocations a frame", name, allocations)
		}
	}
}

// Concurrent frames share decoders and buffers; each must get its own pixels.
func TestFramesAreDecodedConcurrently(t *testing.T) {
	v := View{Width: 16, Height: 16}
	names := []string{"jpeg-exact.jpg", "jpeg-camera.jpg", "jpeg-progressive.jpg", "png-rgb.png", "jpeg-cmyk.jpg"}
	var wg sync.WaitGroup
	for _, name := range names {
		f := schemas.Frame{Image: corpus(t, name)}
		want := pixels(t, f, v)
		for range 4 {
			wg.Go(func() {
				dst := make([]byte, v.Bytes())
				for range 20 {
					if err := Decode(dst, &f, v); err != nil || !bytes.Equal(dst, want) {
						t.Errorf("%s differs, %v", name, err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

func FuzzDecode(f *testing.F) {
	f.Add(schemas.PNG, pngOf(f, solid(8, 8, color.RGBA{1, 2, 3, 255})), int32(0), int32(0))
	f.Add(schemas.RGB8, make([]byte, 12), int32(2), int32(2))
	f.Add(schemas.JPEG, []byte{0xff, 0xd8, 0xff}, int32(-1), int32(1<<30))
	for _, name := range []string{"jpeg-exact.jpg", "jpeg-1x1.jpg", "jpeg-orientation-6.jpg", "jpeg-no-tables.jpg", "jpeg-cmyk.jpg"} {
		f.Add(schemas.JPEG, corpus(f, name), int32(0), int32(0))
	}
	f.Fuzz(func(t *testing.T, contentType string, value []byte, w, h int32) {
		frame := schemas.Frame{ContentType: contentType, Image: value, Width: w, Height: h}
		for _, v := range []View{{Width: 8, Height: 8}, {Width: 9, Height: 12, Resize: Fit}, {Width: 16, Height: 8, Resize: Crop, CropRatio: 0.7}} {
			_ = Decode(make([]byte, v.Bytes()), &frame, v) // an error is fine; a panic or an out-of-bounds write is not
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"jpeg-exact.jpg", "jpeg-camera.jpg", "jpeg-camera-wide.jpg"} {
		for _, side := range []int{32, 224} {
			b.Run(fmt.Sprintf("%s/%d", name, side), func(b *testing.B) {
				f, v := schemas.Frame{Image: corpus(b, name)}, View{Width: side, Height: side}
				dst := make([]byte, v.Bytes())
				b.ReportAllocs()
				for b.Loop() {
					if err := Decode(dst, &f, v); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
