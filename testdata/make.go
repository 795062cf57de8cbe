//go:build ignore

// Command make writes testdata/images and testdata/bad: run it as `go run testdata/make.go` in the
// top folder, after removing both.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/image/draw"

	"github.com/cachenet/cachenet/connectors/frames"
)

func main() {
	if err := run("testdata"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run plays two sequences of three classes: as JPEG of 32×32, and one as PNG of another size and shape.
func run(dir string) error {
	source, err := frames.Scenes(frames.DefaultSize)
	if err != nil {
		return err
	}
	for _, class := range []string{"disc-striped", "ring-solid", "star5-checked"} {
		label := slices.Index(source.Classes(), class)
		for seed := range uint64(2) {
			n := 0
			for frame, err := range source.Play(label, seed) {
				if err != nil {
					return err
				}
				name := filepath.Join(dir, "images", class, fmt.Sprintf("%d_%d.jpg", seed, n))
				if err := write(name, frame.Bytes); err != nil {
					return err
				}
				if n++; n == 12 { // two digits, so that order by name and by number differ
					break
				}
			}
		}
	}
	return other(dir)
}

func other(dir string) error {
	first, err := os.ReadFile(filepath.Join(dir, "images", "ring-solid", "0_0.jpg"))
	if err != nil {
		return err
	}
	picture, err := jpeg.Decode(bytes.NewReader(first))
	if err != nil {
		return err
	}
	wide := image.NewNRGBA(image.Rect(0, 0, 75, 50))
	draw.BiLinear.Scale(wide, wide.Rect, picture, picture.Bounds(), draw.Src, nil)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, wide); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"images/ring-solid/wide.png": encoded.Bytes(),
		"bad/broken/truncated.jpg":   first[:len(first)*4/5],
		"bad/broken/cut.png":         encoded.Bytes()[:encoded.Len()/2],
		"bad/broken/empty.jpg":       nil,
		"bad/broken/text.jpg":        []byte("This is no image.\n"),
		"bad/broken/huge.png":        declared(60000, 60000),
	} {
		if err := write(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}

// declared returns a PNG of a few bytes that claims that many pixels.
func declared(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	out := []byte("\x89PNG\r\n\x1a\n")
	out = append(out, chunk("IHDR", append(header, 8, 2, 0, 0, 0))...)
	out = append(out, chunk("IDAT", []byte{0x78, 0x9c, 0x03, 0, 0, 0, 0, 1})...)
	return append(out, chunk("IEND", nil)...)
}

func chunk(name string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, name...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}
