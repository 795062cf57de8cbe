package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

// pale is a colour that the small nets are unsure about; deadly is one on which the full model of
// [deadlyPack] crashes the process.
var pale, deadly = []byte{120, 110, 108}, []byte{120, 110, 101}

// deadlyPack is the test pack with a full model whose integer division traps on a deadly frame.
func deadlyPack(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("integer division does not trap on this processor")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(coloursPack)); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sha := func(b []byte) []byte {
		sum := sha256.Sum256(b)
		return []byte(hex.EncodeToString(sum[:]))
	}
	net := read("deadly.onnx")
	manifest := bytes.Replace(read("manifest.json"), sha(read("full.onnx")), sha(net), 1)
	for name, b := range map[string][]byte{"full.onnx": net, "manifest.json": manifest} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// deadlyDecoder builds a libjpeg-turbo that turns every JPEG into pale pixels and crashes on one that contains
// the word "deadly". The program loads it instead of its own.
func deadlyDecoder(t *testing.T) {
	t.Helper()
	const source = `
#include <stdlib.h>
#include <string.h>
static const unsigned char pale[] = {120, 110, 108};
void *tjInitDecompress(void) { return (void *)pale; }
int tjDestroy(void *handle) { return 0; }
char *tjGetErrorStr2(void *handle) { return ""; }
int tjGetErrorCode(void *handle) { return 1; }
int tjDecompress2(void *handle, const unsigned char *jpeg, unsigned long size, unsigned char *pixels, int width, int pitch,
                  int height, int format, int flags) {
  for (unsigned long i = 0; i + 6 <= size; i++)
    if (!memcmp(jpeg + i, "deadly", 6)) abort();
  for (int i = 0; i < height * pitch; i++) pixels[i] = pale[i % 3];
  return 0;
}`
	dir := t.TempDir()
	code, library := filepath.Join(dir, "decoder.c"), filepath.Join(dir, "decoder.so")
	if err := os.WriteFile(code, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, code).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	t.Setenv(picture.LibraryEnv, library)
}

// jpegOf is a JPEG of one pixel with a comment in it.
func jpegOf(t *testing.T, comment string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1)), nil); err != nil {
		t.Fatal(err)
	}
	segment := append([]byte{0xff, 0xfe, 0, byte(2 + len(comment))}, comment...)
	return slices.Insert(b.Bytes(), 2, segment...)
}

// rawOf is a frame of one pixel.
func rawOf(colour []byte) schemas.Frame {
	return schemas.Frame{ContentType: schemas.RGB8, Width: 1, Height: 1, Image: colour}
}

// publish sends these frames for each stream to the topic "frames", which it creates when it does not exist.
func publish(t *testing.T, addr string, frames []schemas.Frame, streams ...string) {
	t.Helper()
	cluster := kafkaio.Cluster{Brokers: []string{addr}}
	if _, err := kafkaio.EnsureTopic(t.Context(), cluster, "frames", 2); err != nil {
		t.Fatal(err)
	}
	p, err := kafkaio.NewProducer(cluster, "frames", "/test")
	if err != nil {
		t.Fatal(err)
	}
	var all []schemas.Frame
	for i, f := range frames {
		for _, s := range streams {
			f.Stream, f.Sequence = s, int64(i)
			all = append(all, f)
		}
	}
	if err := p.Publish(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// A net or a decoder crashes the process on one frame, in the caching transform or in the full-model transform: the third
// crash quarantines that frame, and only that one; its stream and the others continue.
func TestAFrameThatEndsTheProcess(t *testing.T) {
	for name, c := range map[string]struct {
		full   []string
		decode bool // the decoder crashes, not the full model
	}{
		"full model, inline":        {full: []string{"--full", "inline"}},
		"full model, transform":     {full: []string{"--full", "transform"}},
		"decoder":                   {full: []string{"--full", "inline"}, decode: true},
		"decoder of the full model": {full: []string{"--full", "transform", "--policy", "full"}, decode: true},
	} {
		t.Run(name, func(t *testing.T) {
			pack, frame, bad, signal := coloursPack, rawOf(pale), rawOf(deadly), "SIGFPE"
			if c.decode {
				deadlyDecoder(t)
				signal = "SIGABRT"
				frame = schemas.Frame{ContentType: schemas.JPEG, Image: jpegOf(t, "calm")}
				bad = schemas.Frame{ContentType: schemas.JPEG, Image: jpegOf(t, "deadly")}
			} else {
				pack = deadlyPack(t)
			}
			addr, out := embedded(t), t.TempDir()
			calm := slices.Repeat([]schemas.Frame{frame}, 60)
			publish(t, addr, slices.Insert(slices.Clone(calm), 30, bad), "victim")
			publish(t, addr, calm, "a", "b", "c")
			run := append([]string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", pack, "--out", out,
				"--dead-letter-topic", "dead", "--until-end"}, c.full...)
			for death := range 3 {
				p := start(t, run...)
				if code := p.exit(t); code == 0 || code == 1 || !strings.Contains(p.said(t), signal) {
					t.Fatalf("run %d should die of %s: exit code %d: %s", death, signal, code, p.said(t))
				}
			}
			mustRun(t, run...)
			checkQuarantined(t, addr, out, bad.Image)
		})
	}
}

// checkQuarantined fails unless frame 30 of the stream "victim" is quarantined with one dead letter, and no other is.
func checkQuarantined(t *testing.T, addr, out string, value []byte) {
	t.Helper()
	failed := 0
	for _, r := range checkRows(t, addr, out) {
		switch {
		case r.Stream == "victim" && r.Sequence == 30:
			failed++
			if r.Outcome != schemas.Error || !strings.Contains(r.Error, "quarantined") {
				t.Errorf("the deadly frame: %+v", r)
			}
		case r.Outcome == schemas.Error:
			t.Errorf("another frame got an error: %+v", r)
		}
	}
	letters := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: "dead"})
	defer letters.Close()
	letter, err := letters.ReadMessage(t.Context())
	if err != nil || failed != 1 || !bytes.Equal(letter.Value, value) {
		t.Errorf("%d rows, dead letter %v, error %v", failed, letter.Value, err)
	}
	if lag, err := letters.ReadLag(t.Context()); err != nil || lag != 0 {
		t.Errorf("%d more dead letters, error %v", lag, err)
	}
}
