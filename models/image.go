package models

import (
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

// Pixels decodes a frame for a net whose input has that size: RGB, rows top to bottom, height·width·3 bytes.
func Pixels(f *schemas.Frame, size InputSize) ([]byte, error) {
	v := picture.View{Width: size.Width, Height: size.Height}
	out := make([]byte, v.Bytes())
	if err := picture.Decode(out, f, v); err != nil {
		return nil, err
	}
	return out, nil
}
