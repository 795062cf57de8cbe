package packs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Listen serves an offer at HOST:PORT (port 0: a free one) until close is called; a download that is in flight then is cut,
// and continues when somebody offers the same pack again.
func Listen(address string, o *Offer) (at string, closing func() error, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("offer packs: %w", err)
	}
	s := &http.Server{Handler: o, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	done := make(chan error, 1)
	go func() {
		err := s.Serve(l)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		} else {
			slog.Error("the HTTP server for packs has ended", "error", err)
		}
		done <- err
	}()
	return l.Addr().String(), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil { // a device still downloads
			_ = s.Close()
		}
		return <-done
	}, nil
}

// serve writes content that has that sha256, or the part of it that is asked for.
func serve(w http.ResponseWriter, r *http.Request, sha, kind string, content io.ReadSeeker) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", etag(sha))
	http.ServeContent(w, r, "", time.Time{}, content)
}

func etag(sha string) string { return `"` + sha + `"` }
