package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/schemas"
)

// pale is a frame that the small nets are unsure about; deadly is another one, of which the full model of
// [deadlyPack] ends the process.
var pale, deadly = []byte{120, 110, 108}, []byte{120, 110, 101}

// deadlyPack is the pack of the tests with a full model that divides in a way the processor refuses when it sees
// a deadly frame.
func deadlyPack(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("this processor answers every division")
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

// publish sends these images as frames of each stream to the topic "frames", which it makes when it is not there.
func publish(t *testing.T, addr string, images [][]byte, streams ...string) {
	t.Helper()
	cluster := kafkaio.Cluster{Brokers: []string{addr}}
	if _, err := kafkaio.EnsureTopic(t.Context(), cluster, "frames", 2); err != nil {
		t.Fatal(err)
	}
	p, err := kafkaio.NewProducer(cluster, "frames", "/test")
	if err != nil {
		t.Fatal(err)
	}
	var frames []schemas.Frame
	for i, image := range images {
		for _, s := range streams {
			frames = append(frames, schemas.Frame{Stream: s, Sequence: int64(i), ContentType: schemas.RGB8, Width: 1, Height: 1, Image: image})
		}
	}
	if err := p.Publish(t.Context(), frames); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// The full model ends the process at one frame, beside others and in a transform of its own or not: the third
// death sets that frame aside, and only that one; its stream and the others go on.
func TestAFrameThatEndsTheFullModel(t *testing.T) {
	for _, full := range []string{"inline", "transform"} {
		t.Run(full, func(t *testing.T) {
			pack, addr, out := deadlyPack(t), embedded(t), t.TempDir()
			calm := slices.Repeat([][]byte{pale}, 60)
			publish(t, addr, slices.Insert(slices.Clone(calm), 30, deadly), "victim")
			publish(t, addr, calm, "a", "b", "c")
			run := []string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", pack, "--full", full, "--out", out,
				"--dead-letter-topic", "dead", "--until-end"}
			for death := range 3 {
				p := start(t, run...)
				if code := p.exit(t); code == 0 || code == 1 || !strings.Contains(p.said(t), "SIGFPE") {
					t.Fatalf("run %d should die: exit code %d: %s", death, code, p.said(t))
				}
			}
			mustRun(t, run...)
			failed := 0
			for _, r := range checkRows(t, addr, out) {
				switch {
				case r.Stream == "victim" && r.Sequence == 30:
					failed++
					if r.Outcome != schemas.Error || !strings.Contains(r.Error, "quarantined") {
						t.Errorf("the deadly frame: %+v", r)
					}
				case r.Outcome == schemas.Error:
					t.Errorf("pays for the deadly frame: %+v", r)
				}
			}
			letters := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: "dead"})
			defer letters.Close()
			letter, err := letters.ReadMessage(t.Context())
			if err != nil || failed != 1 || !bytes.Equal(letter.Value, deadly) {
				t.Errorf("%d rows, dead letter %v, error %v", failed, letter.Value, err)
			}
			if lag, err := letters.ReadLag(t.Context()); err != nil || lag != 0 {
				t.Errorf("%d more dead letters, error %v", lag, err)
			}
		})
	}
}
