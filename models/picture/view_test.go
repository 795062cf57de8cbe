package picture

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

func TestScaleLeavesTwiceWhatTheNetWants(t *testing.T) {
	for _, c := range []struct {
		v          View
		w, h, want int
	}{
		{View{Width: 32, Height: 32}, 1280, 720, 8},
		{View{Width: 32, Height: 32}, 640, 480, 4}, // 1/8 would leave only 60 rows
		{View{Width: 32, Height: 32}, 640, 360, 4}, // … 45
		{View{Width: 32, Height: 32}, 512, 512, 8},
		{View{Width: 32, Height: 32}, 511, 512, 4},
		{View{Width: 224, Height: 224}, 640, 480, 1},
		{View{Width: 224, Height: 224}, 1920, 1080, 2},
		{View{Width: 32, Height: 32}, 32, 32, 1},
		{View{Width: 32, Height: 32, Resize: Crop, CropRatio: 0.5}, 1024, 1024, 8},
		{View{Width: 32, Height: 32, Resize: Crop, CropRatio: 0.25}, 1024, 1024, 4},
		{View{Width: 32, Height: 32, Resize: Fit}, 1280, 720, 8},
	} {
		if got := c.v.box(c.w, c.h).shrink(); got != c.want {
			t.Errorf("%+v of %dx%d: 1/%d, expected 1/%d", c.v, c.w, c.h, got, c.want)
		}
	}
}

// halves is a picture whose left half is red and whose right half is blue.
func halves(w, h int) image.Image {
	img := solid(w, h, color.RGBA{R: 255, A: 255})
	for y := range h {
		for x := w / 2; x < w; x++ {
			img.SetRGBA(x, y, color.RGBA{B: 255, A: 255})
		}
	}
	return img
}

func TestResizeModes(t *testing.T) {
	f := schemas.Frame{Image: pngOf(t, halves(64, 32))}
	at := func(p []byte, v View, x, y int) [3]byte { return [3]byte(p[(y*v.Width+x)*3:]) }
	red, blue, black := [3]byte{255, 0, 0}, [3]byte{0, 0, 255}, [3]byte{}
	for _, c := range []struct {
		v    View
		x, y int
		want [3]byte
	}{
		{View{Width: 16, Height: 16}, 2, 8, red},
		{View{Width: 16, Height: 16}, 13, 8, blue},
		{View{Width: 16, Height: 16, Resize: Crop}, 0, 0, red},
		{View{Width: 16, Height: 16, Resize: Crop}, 15, 15, blue},
		{View{Width: 16, Height: 16, Resize: Fit}, 8, 0, black},
		{View{Width: 16, Height: 16, Resize: Fit}, 8, 15, black},
		{View{Width: 16, Height: 16, Resize: Fit}, 1, 8, red},
		{View{Width: 16, Height: 16, Resize: Fit}, 14, 5, blue},
		{View{Width: 32, Height: 8, Resize: Fit}, 0, 4, black},
	} {
		if got := at(pixels(t, f, c.v), c.v, c.x, c.y); got != c.want {
			t.Errorf("%+v: pixel %d,%d is %v, expected %v", c.v, c.x, c.y, got, c.want)
		}
	}
}

func TestInvalidViewsAreRefused(t *testing.T) {
	for want, v := range map[string]View{
		"4x32":          {Width: 4, Height: 32},
		"32x2000":       {Width: 32, Height: 2000},
		`"squash"`:      {Width: 32, Height: 32, Resize: "squash"},
		"crop_ratio 2":  {Width: 32, Height: 32, Resize: Crop, CropRatio: 2},
		"belongs to":    {Width: 32, Height: 32, CropRatio: 0.5},
		"crop_ratio -1": {Width: 32, Height: 32, Resize: Crop, CropRatio: -1},
	} {
		if err := v.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error is %v, expected one that says %q", v, err, want)
		}
	}
}

// A single-colour picture keeps its colour at every size.
func TestResamplingKeepsAColour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 200)
		w, h := side.Draw(t, "w"), side.Draw(t, "h")
		c := [3]byte{rapid.Byte().Draw(t, "r"), rapid.Byte().Draw(t, "g"), rapid.Byte().Draw(t, "b")}
		v := View{Width: rapid.IntRange(8, 80).Draw(t, "width"), Height: rapid.IntRange(8, 80).Draw(t, "height"),
			Resize: rapid.SampledFrom([]string{Stretch, Crop}).Draw(t, "resize")}
		value := make([]byte, 0, w*h*3)
		for range w * h {
			value = append(value, c[:]...)
		}
		dst := make([]byte, v.Bytes())
		if err := Decode(dst, &schemas.Frame{ContentType: schemas.RGB8, Width: int32(w), Height: int32(h), Image: value}, v); err != nil {
			t.Fatal(err)
		}
		for i, got := range dst {
			if got != c[i%3] {
				t.Fatalf("byte %d is %d, expected %d", i, got, c[i%3])
			}
		}
	})
}
