package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/cachenet/cachenet/connectors/frames"
)

// smallest is the size up to which scenes are rendered pixel by pixel, and from which a camera films them.
const smallest = 128

// look is how scenes are rendered.
type look struct {
	size   string
	camera frames.Camera
}

// add adds the flags; size is the command's default.
func (l *look) add(f *pflag.FlagSet, size string) {
	f.StringVar(&l.size, "size", size, "size of scenes in pixels, WIDTHxHEIGHT; from 128x128 on they look like camera frames")
	f.IntVar(&l.camera.Quality, "quality", frames.DefaultCamera.Quality, "JPEG quality of camera-sized scenes, 1 to 100")
	f.Float64Var(&l.camera.Noise, "noise", frames.DefaultCamera.Noise, "sensor noise of camera-sized scenes: 0 for none, 1 for the default")
}

// open returns the scenes.
func (l *look) open() (frames.Source, error) {
	c := l.camera
	if n, err := fmt.Sscanf(l.size+"\n", "%dx%d\n", &c.Width, &c.Height); err != nil || n != 2 {
		return nil, usageError{fmt.Errorf("--size %q: must be WIDTHxHEIGHT, as in 640x360", l.size)}
	}
	var source frames.Source
	var err error
	if c.Width == c.Height && c.Width < smallest {
		source, err = frames.Scenes(c.Width)
	} else {
		source, err = frames.Filmed(c)
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("--size, --quality, --noise: %w", err)}
	}
	return source, nil
}
