// Command stills makes what a camera that does not move sends: of some sequences of a folder of frames it takes one picture,
// enlarged to 640 x 360, and writes it 60 times with fresh sensor noise, as DIR/<class>/<sequence>_<frame>.jpg
// (make bench-similar). With -streams it writes streams instead, each of which turns to another picture after 30 to 70 frames, as
// DIR/<stream>/<sequence>_<frame>@<class>.jpg (make bench-policy).
package main

import (
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
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

const (
	streamFrames      = 750
	shortest, longest = 30, 70 // frames of one picture in a stream
	bank              = 1 << 20
)

func main() {
	streams := flag.Int("streams", 0, "streams to write; 0: one folder for each class")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "stills: usage: stills [-streams N] FRAMES DIR")
		os.Exit(2)
	}
	do := record
	if *streams > 0 {
		do = func(from, to string) error { return stream(from, to, *streams) }
	}
	if err := do(flag.Arg(0), flag.Arg(1)); err != nil {
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

// stream writes streams, every picture of which is of another sequence.
func stream(from, to string, streams int) error {
	listed, err := frames.List(from)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for s := range streams {
		folder := filepath.Join(to, fmt.Sprintf("still%02d", s))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		for sequence, left := -1, 0; ; sequence++ {
			l := listed[rng.IntN(len(listed))]
			picture, err := read(l.Files[rng.IntN(len(l.Files))])
			if err != nil {
				return err
			}
			for range shortest + rng.IntN(longest-shortest+1) {
				name := fmt.Sprintf("%05d_%07d@%s.jpg", sequence+1, left, l.Class)
				if err := write(filepath.Join(folder, name), noisy(picture, rng)); err != nil {
					return err
				}
				if left++; left == streamFrames {
					break
				}
			}
			if left == streamFrames {
				break
			}
		}
	}
	return nil
}

// shades is noise to take from, since drawing that of every pixel takes longer than encoding it.
var shades = func() (all [bank]int8) {
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range all {
		all[i] = int8(math.Round(noise * rng.NormFloat64()))
	}
	return all
}()

// noisy is the picture in the middle of a frame, its edges drawn out to both sides, with noise.
func noisy(p image.Image, rng *rand.Rand) image.Image {
	out, b := image.NewRGBA(image.Rect(0, 0, width, height)), p.Bounds()
	for y := range height {
		at := rng.IntN(bank - 3*width)
		for x := range width {
			from := min(max(x-(width-height)/2, 0), height-1)
			r, g, bl, _ := p.At(b.Min.X+from*b.Dx()/height, b.Min.Y+y*b.Dy()/height).RGBA()
			shade := func(v uint32) uint8 { at++; return uint8(min(max(int(v>>8)+int(shades[at]), 0), 255)) }
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
