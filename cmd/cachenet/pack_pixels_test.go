package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

// Training reads the pixels that serving sees, in the requested order, with a reason for what is not an image.
func TestPixelsAreThoseOfServing(t *testing.T) {
	v := picture.View{Width: 24, Height: 16}
	files, err := filepath.Glob("../../models/picture/testdata/corpus/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	files = append(files, "../../testdata/bad/broken/text.jpg", "nowhere.jpg", files[0])
	var out bytes.Buffer
	if err := writeRecords(strings.NewReader(strings.Join(files, "\x00")), &out, v.Bytes(), func(dst []byte, file string) error {
		return decodeFile(dst, file, v)
	}); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		kind, err := out.ReadByte()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want := make([]byte, v.Bytes())
		b, err := os.ReadFile(file)
		if err == nil {
			err = picture.Decode(want, &schemas.Frame{Image: b}, v)
		}
		if err == nil && kind == 0 {
			if got := out.Next(v.Bytes()); !bytes.Equal(got, want) {
				t.Errorf("%s: other pixels", file)
			}
			continue
		}
		if err == nil || kind != 1 {
			t.Fatalf("%s: record of kind %d, %v", file, kind, err)
		}
		reason := out.Next(int(binary.BigEndian.Uint32(out.Next(4))))
		if string(reason) != err.Error() {
			t.Errorf("%s: reason %q, expected %q", file, reason, err)
		}
	}
	if _, err := out.ReadByte(); !errors.Is(err, io.EOF) {
		t.Error("more records than images")
	}
}

func TestSizes(t *testing.T) {
	for s, want := range map[string]string{"32": "32 32 <nil>", "224x48": "224 48 <nil>"} {
		if got := fmt.Sprint(parseSize(s)); got != want {
			t.Errorf("%q: %s", s, got)
		}
	}
	for _, s := range []string{"", "x", "32x", "large", "32x32x3", "0x0", "32x0", "0", "-3x4"} {
		if _, _, err := parseSize(s); err == nil {
			t.Errorf("%q was accepted as a size", s)
		}
	}
}
