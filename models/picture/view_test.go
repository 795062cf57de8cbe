package picture

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

func TestScaleLeavesEnoughForTheNet(t *testing.T) {
	for _, c := range []struct {
		v          View
		w, h, want int
	}{
		{View{Width: 32, Height: 32}, 1280, 720, 8},
		{View{Width: 32, Height: 32}, 640, 480, 8}, // 60 rows for 32
		{View{Width: 32, Height: 32}, 640, 360, 8}, // 45
		{View{Width: 32, Height: 32}, 512, 512, 8},
		{View{Width: 32, Height: 32}, 358, 512, 4}, // 1/8 would leave only 44.75,
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

func TestFilters(t *testing.T) {
	// columns of 0, 100, 200, 300 … levels, each 4 pixels of the picture for one of the view
	img := image.NewGray(image.Rect(0, 0, 32, 32))
	for y := range 32 {
		for x := range 32 {
			img.SetGray(x, y, color.Gray{Y: byte(7 * x)})
		}
	}
	img.SetGray(5, 5, color.Gray{Y: 255})
	f := schemas.Frame{Image: pngOf(t, img)}
	got := pixels(t, f, View{Width: 8, Height: 8, Filter: Area})
	for x := range 8 {
		if want := byte(7*4*x + 11); got[3*x] != want && got[3*x] != want-1 { // the mean of 4 columns
			t.Errorf("area: column %d is %d, the mean of what it covers %d", x, got[3*x], want)
		}
	}
	spot := func(p []byte) int { return int(p[3*(8+1)]) - int(p[3*(16+1)]) }
	if a, b := spot(got), spot(pixels(t, f, View{Width: 8, Height: 8})); a <= b || b <= 0 {
		t.Errorf("a bright pixel adds %d levels with area, %d with bilinear", a, b)
	}
	if err := (View{Width: 8, Height: 8, Filter: "lanczos"}).Validate(); err == nil {
		t.Error("an unknown filter is accepted")
	}
}

// What decoding at a smaller scale has blurred, resampling does not blur again: a point is as wide at each scale.
func TestScaledPicturesAreAsSharpAsWhole(t *testing.T) {
	for _, name := range []string{"", Area} {
		by := filter{area: name == Area}
		for _, scale := range []float64{15, 22.5, 40} {
			want := variance(t, scale, 1, by)
			for _, d := range []float64{4, 8} {
				by := filter{area: by.area, blurred: 1 - 1/(d*d)}
				if got := variance(t, scale/d, d, by); got < 0.9*want || got > 1.1*want {
					t.Errorf("filter %q, %g pixels for one: at 1/%g a point has a variance of %.1f, whole of %.1f", name, scale, d, got, want)
				}
			}
		}
	}
}

// variance is that of an output's weights, in squared pixels of the whole picture, on average: each input is the mean of d
// pixels.
func variance(t *testing.T, scale, d float64, by filter) (v float64) {
	t.Helper()
	const outputs = 41
	var a axis
	a.fill(0, scale*outputs, int(scale*outputs+0.5), outputs, by)
	for o := 1; o < outputs-1; o++ {
		var sum, mean, square float64
		for i, k := range a.weight[o*a.taps:][:a.count[o]] {
			sum += float64(k)
			mean += float64(k) * float64(i)
			square += float64(k) * float64(i*i)
		}
		if sum < 0.999 || sum > 1.001 {
			t.Fatalf("weights of output %d sum to %g", o, sum)
		}
		v += square - mean*mean
	}
	return d*d*v/(outputs-2) + (d*d-1)/12
}
