package picture

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// A decoder that is kept has the Huffman and quantisation tables of the picture before. No picture may get them.
func TestAPictureDoesNotDependOnTheOneBefore(t *testing.T) {
	lib := turbo()
	if lib == nil {
		t.Skip("libjpeg-turbo is not there")
	}
	files, err := filepath.Glob("testdata/corpus/jpeg-*.jpg")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	v := View{Width: 24, Height: 16}
	decoded := func(image []byte) []byte {
		dst := make([]byte, v.Bytes())
		if err := Decode(dst, &schemas.Frame{Image: image}, v); err != nil {
			return []byte(err.Error())
		}
		return dst
	}
	drain := func() {
		for len(lib.idle) > 0 {
			free(<-lib.idle)
		}
	}
	images, alone := map[string][]byte{}, map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		images[f], images[f+" without quantisation"] = b, without(b, markerDQT)
	}
	for f, b := range images {
		drain()
		alone[f] = decoded(b)
	}
	for before, b := range images {
		for f, image := range images {
			drain()
			decoded(b)
			if !bytes.Equal(decoded(image), alone[f]) {
				t.Errorf("%s behind %s: other pixels", f, before)
			}
		}
	}
}

// without removes all segments of a kind before the first scan.
func without(b []byte, kind byte) []byte {
	out := bytes.Clone(b[:2])
	for at := 2; at+4 <= len(b); {
		end := at + 2 + int(b[at+2])<<8 + int(b[at+3])
		if b[at+1] == markerSOS || end > len(b) {
			return append(out, b[at:]...)
		}
		if b[at+1] != kind {
			out = append(out, b[at:end]...)
		}
		at = end
	}
	return out
}

func TestTablesThatAPictureDefines(t *testing.T) {
	for file, own := range map[string]bool{"jpeg-420": true, "jpeg-grey": true, "jpeg-cmyk": true, "jpeg-no-tables": false, "jpeg-progressive": false} {
		b, err := os.ReadFile("testdata/corpus/" + file + ".jpg")
		if err != nil {
			t.Fatal(err)
		}
		h, err := readHeader(b)
		if err != nil || h.ownTables() != own {
			t.Errorf("%s: own tables %v, %v", file, h.ownTables(), err)
		}
		if h, err := readHeader(without(b, markerDQT)); err == nil && h.ownTables() {
			t.Errorf("%s without quantisation tables passes for complete", file)
		}
	}
}
