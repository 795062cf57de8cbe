// Package cameratest has cameras to test on: real servers on the loopback interface that show a clip again and again.
package cameratest

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"
)

// RTSP is a camera that speaks RTSP: it plays a clip again and again, at the clip's speed.
type RTSP struct {
	Addr           string // HOST:PORT that it listens on
	clip           Clip
	user, password string // empty: anybody may look

	mu     sync.Mutex
	stream *gortsplib.ServerStream
	stop   func()
}

// FPS is how many pictures a second each clip has.
const FPS = 25

// Clip is a clip as RTP sends it.
type Clip struct {
	format  format.Format
	encoder func() (func(i int) ([]*rtp.Packet, error), error) // the packets of picture i
}

// H264 sends a file of H.264 access units, each with its delimiter.
func H264(t *testing.T, path string) Clip {
	units, f := readClip(t, path), &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	return Clip{f, func() (func(int) ([]*rtp.Packet, error), error) {
		e, err := f.CreateEncoder()
		return func(i int) ([]*rtp.Packet, error) { return e.Encode(units[i%len(units)]) }, err
	}}
}

// MJPEG sends JPEG pictures.
func MJPEG(pictures [][]byte) Clip {
	f := &format.MJPEG{}
	return Clip{f, func() (func(int) ([]*rtp.Packet, error), error) {
		e, err := f.CreateEncoder()
		return func(i int) ([]*rtp.Packet, error) { return e.Encode(pictures[i%len(pictures)]) }, err
	}}
}

// StartRTSP starts a camera that shows the clip. It stops with the test.
func StartRTSP(t *testing.T, clip Clip, user, password string) *RTSP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := &RTSP{Addr: addr, clip: clip, user: user, password: password}
	c.Start(t)
	t.Cleanup(c.Stop)
	return c
}

// Start makes the camera answer again after Stop.
func (c *RTSP) Start(t *testing.T) {
	t.Helper()
	server := &gortsplib.Server{Handler: c, RTSPAddress: c.Addr}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{c.clip.format}}
	stream := &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{media}}}
	if err := stream.Initialize(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var idle sync.WaitGroup
	idle.Go(func() { c.play(ctx, t, stream, media) })
	c.mu.Lock()
	c.stream = stream
	c.mu.Unlock()
	c.stop = sync.OnceFunc(func() { cancel(); idle.Wait(); stream.Close(); server.Close() })
}

// Stop ends the camera and closes its connections. Further calls do nothing.
func (c *RTSP) Stop() { c.stop() }

func (c *RTSP) play(ctx context.Context, t *testing.T, stream *gortsplib.ServerStream, media *description.Media) {
	encode, err := c.clip.encoder()
	if err != nil {
		t.Error(err)
		return
	}
	tick := time.NewTicker(time.Second / FPS)
	defer tick.Stop()
	for n := 0; ; n++ {
		packets, err := encode(n)
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range packets {
			p.Timestamp = uint32(n * 90000 / FPS)
			if err := stream.WritePacketRTP(media, p); err != nil {
				t.Error(err)
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *RTSP) current() *gortsplib.ServerStream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream
}

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
func (c *RTSP) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.user != "" && !ctx.Conn.VerifyCredentials(ctx.Request, c.user, c.password) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	return &base.Response{StatusCode: base.StatusOK}, c.current(), nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
func (c *RTSP) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, c.current(), nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
func (c *RTSP) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// readClip splits a file of H.264 access units, each with its delimiter.
func readClip(t *testing.T, path string) (clip [][][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	delimiter := []byte{0, 0, 0, 1, byte(h264.NALUTypeAccessUnitDelimiter)}
	for _, picture := range bytes.Split(b, delimiter)[1:] {
		var units h264.AnnexB
		if err := units.Unmarshal(append(bytes.Clone(delimiter), picture...)); err != nil {
			t.Fatal(err)
		}
		clip = append(clip, units)
	}
	return clip
}
