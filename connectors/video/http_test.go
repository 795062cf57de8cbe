package video

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// mjpegCamera is a camera that sends JPEG pictures over HTTP, one after the other, again and again.
type mjpegCamera struct {
	pictures [][]byte
	every    time.Duration
	lengths  bool // parts say their lengths
	frames   int  // frames of a connection before it is closed, 0: no end
	silent   bool // after them the connection stays open instead, and nothing comes
}

// ServeHTTP implements http.Handler.
func (c *mjpegCamera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=picture")
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for n := 0; c.frames == 0 || n < c.frames; n++ {
		p := c.pictures[n%len(c.pictures)]
		length := ""
		if c.lengths {
			length = fmt.Sprintf("Content-Length: %d\r\n", len(p))
		}
		if _, err := fmt.Fprintf(w, "--picture\r\nContent-Type: image/jpeg\r\n%s\r\n%s\r\n", length, p); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
	if c.silent {
		<-r.Context().Done()
	}
}

// serve starts the camera. It stops with the test.
func (c *mjpegCamera) serve(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(c)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}
