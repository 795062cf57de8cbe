package frames

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"iter"
	"slices"
	"strings"

	"github.com/cachenet/cachenet/schemas"
)

// The sizes of frames that [Scenes] renders, in pixels a side.
const (
	DefaultSize = 32
	minSize     = 16
	maxSize     = 1024
)

// jpegQuality keeps the fine detail that tells some classes apart; a frame of 32×32 takes about 1 KB.
const jpegQuality = 90

type scenes struct {
	size    int
	names   []string
	outline []outline // of each class
	pattern []int     // of each class
}

// Scenes renders moving objects of 48 classes, each a shape with a surface ("star5-striped"), as JPEG
// frames of size×size pixels. A sequence lasts 30 to 40 frames. Its colours, light, background, focus and
// noise are drawn once and the object's pose changes slowly, so what makes one frame hard makes its
// neighbours hard too. Seeds choose all of it from one distribution.
//
// One seed gives the same pixels on every run; another processor architecture may round a few of
// them differently.
func Scenes(size int) (Source, error) {
	if size < minSize || size > maxSize {
		return nil, fmt.Errorf("render scenes: frame size %d: choose %d to %d pixels", size, minSize, maxSize)
	}
	return allScenes(size), nil
}

// allScenes has every shape with every surface.
func allScenes(size int) *scenes {
	s := &scenes{size: size}
	all := shapes()
	slices.SortFunc(all, func(a, b shape) int { return strings.Compare(a.name, b.name) })
	for _, shape := range all {
		for pattern, name := range patterns {
			s.names = append(s.names, shape.name+"-"+name)
			s.outline = append(s.outline, shape.outline)
			s.pattern = append(s.pattern, pattern)
		}
	}
	return s
}

func (s *scenes) Classes() []string { return s.names }

func (s *scenes) Play(class int, seed uint64) iter.Seq2[Image, error] {
	return func(yield func(Image, error) bool) {
		rng := newRand("scene", uint64(class), seed)
		scene, canvas := newScene(rng, s.outline[class], s.pattern[class]), newCanvas(s.size, s.size)
		for i := range scene.frames {
			scene.draw(canvas, i, rng)
			var encoded bytes.Buffer
			if err := jpeg.Encode(&encoded, canvas.out, &jpeg.Options{Quality: jpegQuality}); err != nil {
				yield(Image{}, fmt.Errorf("encode a scene: %w", err))
				return
			}
			if !yield(Image{encoded.Bytes(), schemas.JPEG}, nil) {
				return
			}
		}
	}
}
