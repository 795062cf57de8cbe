// Command stills makes what a camera that does not move sends: of some sequences of a folder of frames it takes one picture,
// enlarged to 640 x 360, and writes it 60 times with fresh sensor noise, as DIR/<class>/<sequence>_<frame>.jpg
// (make bench-similar).
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/cachenet/cachenet/connectors/frames"
)

const (
	width, height = 640, 360
	repeats       = 60  // frames of one picture
	perClass      = 3   // pictures
	everyClass    = 3   // the first class, the fourth, …
	noise         = 2.0 // standard deviation of a pixel's noise, of 255
	quality       = 80
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "stills: usage: stills FRAMES DIR")
		os.Exit(2)
	}
	if err := record(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "stills:", err)
		os.Exit(1)
	}
}

func record(from, to string) error {
	listed, err := frames.List(from)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	classes, taken := map[string]int{}, map[string]int{}
	for _, l := range listed {
		if _, seen := classes[l.Class]; !seen {
			classes[l.Class] = len(classes)
		}
		if classes[l.Class]%everyClass > 0 || taken[l.Class] == perClass {
			continue
		}
		picture, err := read(l.Files[min(5, len(l.Files)-1)])
		if err != nil {
			return err
		}
		folder := filepath.Join(to, l.Class)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		for i := range repeats {
			if err := write(filepath.Join(folder, fmt.Sprintf("%03d_%03d.jpg", taken[l.Class], i)), noisy(picture, rng)); err != nil {
				return err
			}
		}
		taken[l.Class]++
	}
	return nil
}

func read(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return jpeg.Decode(f)
}

// noisy is the picture in the middle of a frame, its edges drawn out to both sides, with noise.
func noisy(p image.Image, rng *rand.Rand) image.Image {
	out, b := image.NewRGBA(image.Rect(0, 0, width, height)), p.Bounds()
	for y := range height {
		for x := range width {
			at := min(max(x-(width-height)/2, 0), height-1)
			r, g, bl, _ := p.At(b.Min.X+at*b.Dx()/height, b.Min.Y+y*b.Dy()/height).RGBA()
			shade := func(v uint32) uint8 { return uint8(min(max(float64(v>>8)+noise*rng.NormFloat64(), 0), 255)) }
			out.SetRGBA(x, y, color.RGBA{shade(r), shade(g), shade(bl), 255})
		}
	}
	return out
}

func write(path string, p image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := jpeg.Encode(f, p, &jpeg.Options{Quality: quality}); err != nil {
		_ = f.Close() // the encoder's error says what happened
		return err
	}
	return f.Close()
}
