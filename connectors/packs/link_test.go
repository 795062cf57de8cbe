package packs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// wire is a network inside the process: it carries connections to a handler, and cuts them. Being made of net.Pipe, it lets
// synctest's clock run.
type wire struct {
	accepted chan net.Conn
	closed   chan struct{}
	server   *http.Server

	mu   sync.Mutex
	cuts []int64 // of the next connections: how many bytes the server may send; none: all of them
	dead bool    // no connection is made
	all  int64   // bytes that the server sent
}

func newWire(t *testing.T, h http.Handler) *wire {
	t.Helper()
	w := &wire{accepted: make(chan net.Conn), closed: make(chan struct{}), server: &http.Server{Handler: h}}
	done := make(chan struct{})
	go func() { defer close(done); _ = w.server.Serve(w) }()
	t.Cleanup(func() { w.server.Close(); <-done })
	return w
}

// Accept, Close and Addr make a wire the server's listener.
func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.accepted:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}
func (w *wire) Close() error   { close(w.closed); return nil }
func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

var errDead = errors.New("the link is dead")

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	dead, most := w.dead, int64(-1)
	if len(w.cuts) > 0 && !dead {
		most, w.cuts = w.cuts[0], w.cuts[1:]
	}
	w.mu.Unlock()
	if dead {
		return nil, errDead
	}
	mine, its := net.Pipe()
	select {
	case w.accepted <- &cutConn{Conn: its, wire: w, most: most}:
		return mine, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cutConn closes after so many bytes, -1 for never.
type cutConn struct {
	net.Conn
	wire *wire
	most int64
}

func (c *cutConn) Write(b []byte) (int, error) {
	n := len(b)
	if c.most >= 0 {
		n = int(min(int64(n), c.most))
		c.most -= int64(n)
	}
	wrote, err := c.Conn.Write(b[:n])
	c.wire.mu.Lock()
	c.wire.all += int64(wrote)
	c.wire.mu.Unlock()
	if err == nil && wrote < len(b) {
		err = io.ErrClosedPipe
		c.Close()
	}
	return wrote, err
}

func (w *wire) set(change func(*wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// source is a pack at the other end of the wire; every request takes a connection of its own.
func (w *wire) source(t *testing.T, name string, o SourceOptions) *Source {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: w.dial, DisableKeepAlives: true}}
	s, err := NewSource("http://server"+packsPath+name, client, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
