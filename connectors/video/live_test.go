package video

import (
	"bytes"
	"context"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/cameratest"
	"github.com/cachenet/cachenet/schemas"
)

// diary is the log output of a test.
type diary struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.String()
}

func listen(t *testing.T) *diary {
	t.Helper()
	d := &diary{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return d
}

// begin plays sources until stop is called, which returns their summaries.
func begin(t *testing.T, o Options, crops []string, sources ...string) (s *screen, stop func() []Summary) {
	t.Helper()
	b := open(t, o, crops, sources...)
	ctx, cancel := context.WithCancel(t.Context())
	s = &screen{}
	done := make(chan []Summary, 1)
	go func() {
		summaries, err := b.Play(ctx, Sink{Publish: s.publish})
		if err != nil {
			t.Error(err)
		}
		done <- summaries
	}()
	stop = sync.OnceValue(func() []Summary { cancel(); return <-done })
	t.Cleanup(func() { stop() })
	return s, stop
}

func checkOrder(t *testing.T, frames []schemas.Frame) {
	t.Helper()
	for i, f := range frames {
		if f.Sequence != int64(i) || i > 0 && !f.EventTime.After(frames[i-1].EventTime) || f.EventTime.After(time.Now()) {
			t.Fatalf("frame %d has sequence %d and time %s, after %s", i, f.Sequence, f.EventTime, frames[max(i-1, 0)].EventTime)
		}
	}
}

// An RTSP camera that fails and comes back continues the same stream: the outage is logged, counted, and visible in the
// record times.
func TestRTSPCameraComesBack(t *testing.T) {
	told := listen(t)
	camera := cameratest.StartRTSP(t, cameratest.H264(t, clip(t, 25, "gate.h264")), "", "")
	s, stop := begin(t, Options{}, nil, "gate=rtsp://"+camera.Addr+"/live")
	eventually(t, "30 frames", func() bool { return s.count("gate") >= 30 })
	camera.Stop()
	eventually(t, "an attempt", func() bool { return strings.Contains(told.String(), "camera cannot be reached") })
	lost := s.count("gate")
	time.Sleep(minGap) // long enough to count as an outage
	camera.Start(t)
	eventually(t, "30 more frames", func() bool { return s.count("gate") >= lost+30 })
	got := stop()[0]
	if got.Restarts != 1 || got.Gaps != 1 || got.Away < minGap || got.GivenUp != nil || got.Frames != int64(s.count("gate")) {
		t.Errorf("%+v: %s", got, told)
	}
	if !strings.Contains(told.String(), "camera is back") {
		t.Errorf("no message says that the camera is back: %s", told)
	}
	checkOrder(t, s.frames["gate"])
	if d := s.frames["gate"][20].EventTime.Sub(s.frames["gate"][10].EventTime); (d - 400*time.Millisecond).Abs() > 100*time.Millisecond {
		t.Errorf("ten frames of a camera of 25 a second last %s", d)
	}
	if got := colour(t, s.frames["gate"][5], 120, 20); !near(got, red) {
		t.Errorf("the upper right is %v", got)
	}
}

// An RTSP camera of MJPEG is not re-encoded, and the frames that ffmpeg buffers at first keep their own times.
func TestRTSPCameraOfMJPEG(t *testing.T) {
	var pictures [][]byte
	for i := range 25 {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, quarters(10*i), nil); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, b.Bytes())
	}
	camera := cameratest.StartRTSP(t, cameratest.MJPEG(pictures), "", "")
	frames, summaries := play(t, Options{Frames: 40}, nil, "gate=rtsp://"+camera.Addr+"/live")
	got := frames["gate"]
	checkOrder(t, got)
	if d := got[39].EventTime.Sub(got[0].EventTime); len(got) != 40 || (d-39*time.Second/cameratest.FPS).Abs() > 100*time.Millisecond {
		t.Errorf("%d frames of 40 ms each last %s; %+v", len(got), d, summaries)
	}
	if got := colour(t, got[5], 120, 20); !near(got, red) {
		t.Errorf("the upper right is %v", got)
	}
}

// A password is sent to the camera only.
func TestPasswordDoesNotShow(t *testing.T) {
	const password, written = "s3cr:et pa'ss", "s3cr%3Aet%20pa'ss"
	told := listen(t)
	camera := cameratest.StartRTSP(t, cameratest.H264(t, clip(t, 25, "gate.h264")), "ann", password)
	s, stop := begin(t, Options{}, []string{"door=0,0,50,50"}, "gate=rtsp://ann:"+written+"@"+camera.Addr+"/live", "wrong=rtsp://ann:wr0ng@"+camera.Addr+"/live",
		"away=rtsp://ann:wr0ng@127.0.0.1:1/live?token=wr0ng")
	eventually(t, "frames", func() bool { return s.count("gate/door") >= 10 })
	lines := children(t)
	eventually(t, "the camera with the wrong password to be given up", func() bool { return strings.Contains(told.String(), "refused the credentials") })
	summaries := stop()
	if err := summaries[1].GivenUp; err == nil || !strings.Contains(err.Error(), "refused the credentials") {
		t.Errorf("a wrong password: %v", err)
	}
	if summaries[0].GivenUp != nil {
		t.Errorf("the right password: %v", summaries[0].GivenUp)
	}
	for _, text := range append(lines, told.String()) {
		for _, secret := range []string{"s3cr", "wr0ng"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is visible in %s", secret, text)
			}
		}
	}
}

// children returns the command lines of this process's children.
func children(t *testing.T) (lines []string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	paths, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		for _, pid := range strings.Fields(string(b)) {
			line, err := os.ReadFile("/proc/" + pid + "/cmdline")
			if err == nil && len(line) > 0 {
				lines = append(lines, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
			}
		}
	}
	if !strings.Contains(strings.Join(lines, "\n"), "framecrc") {
		t.Errorf("no ffmpeg among %q", lines)
	}
	return lines
}

// MJPEG over HTTP is published as sent, whether or not its parts declare their lengths.
func TestMJPEGOverHTTP(t *testing.T) {
	for _, lengths := range []bool{true, false} {
		camera := &cameratest.HTTP{Pictures: jpegs(t, 10), Every: 20 * time.Millisecond, Lengths: lengths}
		frames, summaries := play(t, Options{Frames: 30}, nil, "gate="+camera.Serve(t).URL+"/video")
		got := frames["gate"]
		if len(got) != 30 || summaries[0].Damaged != 0 {
			t.Fatalf("%d frames, %+v", len(got), summaries[0])
		}
		checkOrder(t, got)
		first := -1
		for i, p := range camera.Pictures {
			if bytes.Equal(p, got[0].Image) {
				first = i
			}
		}
		for i, f := range got {
			if first < 0 || !bytes.Equal(f.Image, camera.Pictures[(first+i)%10]) {
				t.Fatalf("lengths %v: frame %d is not what was sent", lengths, i)
			}
		}
	}
}

// Broken cameras do not affect a working one.
func TestBrokenCameraAlone(t *testing.T) {
	good := &cameratest.HTTP{Pictures: jpegs(t, 10), Every: 10 * time.Millisecond, Lengths: true}
	closes := &cameratest.HTTP{Pictures: good.Pictures, Every: 10 * time.Millisecond, Lengths: true, Frames: 10}
	silent := &cameratest.HTTP{Pictures: good.Pictures, Every: 10 * time.Millisecond, Lengths: true, Frames: 10, Silent: true}
	junk := &cameratest.HTTP{Pictures: [][]byte{[]byte("no picture")}, Every: 10 * time.Millisecond, Lengths: true}
	o := Options{Stall: 2 * time.Second, RetryFor: 5 * time.Second}
	told := listen(t)
	s, stop := begin(t, o, []string{"out/door=100,100,100,100"}, "good="+good.Serve(t).URL, "closes="+closes.Serve(t).URL, "silent="+silent.Serve(t).URL,
		"junk="+junk.Serve(t).URL, "none=rtsp://127.0.0.1:1/", "out="+good.Serve(t).URL)
	eventually(t, "the unreachable camera to be given up", func() bool {
		return strings.Contains(told.String(), `camera=none error="connection refused; no data for`)
	})
	eventually(t, "cameras back", func() bool { return s.count("closes") >= 25 && s.count("silent") >= 15 })
	before := s.count("good")
	eventually(t, "the good one to continue", func() bool { return s.count("good") > before+10 })
	summaries := map[string]Summary{}
	for _, x := range stop() {
		summaries[x.Camera] = x
	}
	for name, want := range map[string]string{"none": "connection refused", "out": `region "door"`} {
		if err := summaries[name].GivenUp; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: given up with %v, want %q", name, err, want)
		}
	}
	if x := summaries["good"]; x.GivenUp != nil || x.Restarts != 0 || x.Gaps != 0 {
		t.Errorf("%+v", x)
	}
	if x := summaries["closes"]; x.GivenUp != nil || x.Restarts < 2 {
		t.Errorf("%+v", x)
	}
	if x := summaries["silent"]; x.GivenUp != nil || x.Restarts < 1 || x.Gaps < 1 {
		t.Errorf("%+v", x)
	}
	if s.count("junk") != 0 {
		t.Errorf("%d frames of junk", s.count("junk"))
	}
}

// Brokers that cannot keep up cost a live camera frames, which are counted, but never its connection.
func TestLiveCameraDropsWhenBrokersAreSlow(t *testing.T) {
	camera := &cameratest.HTTP{Pictures: jpegs(t, 2), Every: time.Millisecond, Lengths: true}
	b := open(t, Options{}, nil, "gate="+camera.Serve(t).URL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := listen(t)
	summaries, err := b.Play(ctx, Sink{Publish: func(ctx context.Context, _ []schemas.Frame) error {
		eventually(t, "dropped frames", func() bool { return strings.Contains(told.String(), "cannot keep up") || ctx.Err() != nil })
		cancel()
		return nil
	}})
	if err != nil || summaries[0].Dropped == 0 || summaries[0].Restarts != 0 {
		t.Errorf("%+v, error %v", summaries, err)
	}
}
