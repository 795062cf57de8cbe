package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/cameratest"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/video"
)

// needFFmpeg returns the path of an ffmpeg. Without one the test is skipped, unless CACHENET_TEST_VIDEO is set.
func needFFmpeg(t *testing.T) string {
	t.Helper()
	path, err := video.FindFFmpeg(t.Context())
	if err != nil && os.Getenv("CACHENET_TEST_VIDEO") == "" {
		t.Skipf("NOT RUN, see make test-video: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// pictures returns one second of a moving square.
func pictures(t *testing.T) (all [][]byte) {
	t.Helper()
	for i := range 25 {
		m := image.NewRGBA(image.Rect(0, 0, 160, 120))
		draw.Draw(m, image.Rect(4*i, 40, 4*i+40, 80), image.NewUniform(color.RGBA{200, 40, 40, 255}), image.Point{}, draw.Src)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	return all
}

// writeFilm writes two seconds of H.264.
func writeFilm(t *testing.T, path string) {
	t.Helper()
	c := exec.Command(needFFmpeg(t), "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=2", "-c:v", "libx264", "-pix_fmt", "yuv420p", path)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Every command of docs/cameras.md is run, in order, with real cameras at the addresses that it names, which end
// after some frames.
func TestCamerasDocument(t *testing.T) {
	needFFmpeg(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "cameras.md"))
	if err != nil {
		t.Fatal(err)
	}
	gate := cameratest.StartRTSP(t, cameratest.MJPEG(pictures(t)), "", "")
	hall := &cameratest.HTTP{Pictures: pictures(t), Every: 20 * time.Millisecond, Lengths: true}
	dir := t.TempDir()
	writeFilm(t, filepath.Join(dir, "gate.mp4"))
	var script strings.Builder
	for _, b := range shellBlock.FindAllSubmatch(text, -1) {
		script.Write(b[1])
	}
	addresses := strings.NewReplacer("10.0.0.5", gate.Addr, "10.0.0.7", strings.TrimPrefix(hall.Serve(t).URL, "http://"), "29193", freePort(t))
	self, err := exec.LookPath("cachenet")
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{self: "bin/cachenet", filepath.Join(root, "models"): "models"} {
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CACHENET_FRAMES", "20")
	runBlock(t, dir, addresses.Replace(script.String()))
	streams := map[string]int{}
	for row, err := range parquetio.Rows(t.Context(), filepath.Join(dir, "out")) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Outcome == "error" {
			t.Fatalf("%s: %v", row.Stream, row)
		}
		streams[row.Stream]++
	}
	for stream, want := range map[string]int{"gate": 20 * 4, "door": 20, "hall": 20 * 3, "gate/door": 20, "gate/lane": 20, "hall/view": 20} {
		if streams[stream] != want {
			t.Errorf("%d rows of %s, want %d; all: %v", streams[stream], stream, want, streams)
		}
	}
}

// A signal stops live cameras cleanly: what was read is published, the summary is printed, the exit code is 0. A camera
// that was given up makes it 1, and its credentials appear nowhere.
func TestProduceCamerasUntilASignal(t *testing.T) {
	needFFmpeg(t)
	const password = "s3cret"
	good := &cameratest.HTTP{Pictures: pictures(t), Every: 10 * time.Millisecond, Lengths: true}
	locked := cameratest.StartRTSP(t, cameratest.MJPEG(pictures(t)), "ann", password)
	list := filepath.Join(t.TempDir(), "cameras")
	if err := os.WriteFile(list, []byte("gate="+good.Serve(t).URL+"\nlocked=rtsp://ann:wr0ng@"+locked.Addr+"/live\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source string
		code   int
		says   string
	}{
		{"gate=" + good.Serve(t).URL, 0, "gate    "},
		{"@" + list, 1, "1 of 2 cameras given up: locked: it refused the credentials"},
	} {
		addr := embedded(t)
		p := start(t, "produce", "-v", "--brokers", addr, "--topic", "frames", "--source", c.source)
		eventually(t, "the topic", func() bool { return strings.Contains(p.said(t), "given up") || c.code == 0 })
		eventually(t, "frames", func() bool { n, err := countFrames(t.Context(), addr); return err == nil && n > 20 })
		if err := p.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if code := p.exit(t); code != c.code || !strings.Contains(p.said(t), c.says) || strings.Contains(p.said(t), "wr0ng") {
			t.Errorf("%s: exit code %d, output %s", c.source, code, p.said(t))
		}
	}
}

// countFrames is inTopic for a topic that may not be there yet.
func countFrames(ctx context.Context, addr string) (n int64, err error) {
	ends, err := kafkaio.EndOffsets(ctx, kafkaio.Cluster{Brokers: []string{addr}}, "frames")
	for _, end := range ends {
		n += end
	}
	return n, err
}
