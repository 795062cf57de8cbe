package cameratest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// HTTP is a camera that sends JPEG pictures over HTTP, one after the other, again and again.
type HTTP struct {
	Pictures [][]byte
	Every    time.Duration
	Lengths  bool // parts say their lengths
	Frames   int  // frames of a connection before it is closed, 0: no end
	Silent   bool // after them the connection stays open instead, and nothing comes
}

// ServeHTTP implements http.Handler.
func (c *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=picture")
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for n := 0; c.Frames == 0 || n < c.Frames; n++ {
		p := c.Pictures[n%len(c.Pictures)]
		length := ""
		if c.Lengths {
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
	if c.Silent {
		<-r.Context().Done()
	}
}

// Serve starts the camera. It stops with the test.
func (c *HTTP) Serve(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(c)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}
