package models

import (
	"bytes"
	"os"
	"testing"

	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

func TestAPictureIsDecodedOnceForEachView(t *testing.T) {
	one, err := os.ReadFile("picture/testdata/corpus/jpeg-camera.jpg")
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile("picture/testdata/corpus/jpeg-420.jpg")
	if err != nil {
		t.Fatal(err)
	}
	small, large := picture.View{Width: 16, Height: 16}, picture.View{Width: 64, Height: 48, Resize: picture.Crop}
	var p Picture
	see := func(v picture.View) []byte {
		t.Helper()
		b, err := p.Pixels(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	p.Show(&schemas.Frame{Image: one})
	a, b := see(small), see(large)
	if len(a) != small.Bytes() || len(b) != large.Bytes() || &a[0] != &see(small)[0] || &b[0] != &see(large)[0] {
		t.Error("decoded again for the same view")
	}
	before := bytes.Clone(a)
	p.Show(&schemas.Frame{Image: other})
	if bytes.Equal(see(small), before) {
		t.Error("the pixels of the previous frame")
	}
	p.Show(&schemas.Frame{Image: []byte("none")})
	for range 2 {
		if _, err := p.Pixels(small); err == nil {
			t.Error("no error for an invalid picture")
		}
	}
}
