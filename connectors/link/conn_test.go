package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pair is a connection over a link: the device's end and the server's.
func pair(l *Link) (device, server net.Conn) {
	a, b := net.Pipe()
	return l.wrap(a), b
}

func mustWrite(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Error(err)
	}
}

func mustRead(t *testing.T, c net.Conn, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Error(err)
	}
	return b
}

func TestDataArrivesWhenTheLinkSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(shape(t, "1mbit,40ms"), 1)
		device, server := pair(l)
		start := time.Now()
		message := bytes.Repeat([]byte("0123456789"), 1000) // 80 ms at this rate
		go mustWrite(t, device, message)
		if got := mustRead(t, server, len(message)); !bytes.Equal(got, message) {
			t.Error("the data changed on its way")
		}
		if took := time.Since(start); took != 100*ms {
			t.Errorf("arrived after %v", took)
		}
		mustWrite(t, server, []byte("answer!!!"))
		mustRead(t, device, 9)
		if took := time.Since(start); took < 120*ms || took > 121*ms {
			t.Errorf("the answer arrived after %v", took)
		}
		_ = device.Close()
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the server sees %v", err)
		}
	})
}

// Real connections and virtual time have one model.
func TestConnectionsAgreeWithDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"2mbit,30ms", "lte,50ms"} {
			l, model := New(shape(t, text), 1), New(shape(t, text), 1)
			device, server := pair(l)
			for range 20 {
				at := l.since()
				mustWrite(t, device, make([]byte, 1200))
				mustRead(t, server, 1200)
				if got, want := l.since(), model.Up.Deliver(at, 1200); got != want {
					t.Fatalf("%s: sent at %v arrived at %v, Deliver says %v", text, at, got, want)
				}
			}
			_ = device.Close()
			_ = server.Close()
			synctest.Wait()
		}
	})
}

func TestConnectionsShareTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(shape(t, "1mbit"), 1)
		start := time.Now()
		var all sync.WaitGroup
		for range 4 {
			device, server := pair(l)
			all.Go(func() { mustWrite(t, device, make([]byte, 12_500)); _ = device.Close() })
			all.Go(func() { mustRead(t, server, 12_500); _ = server.Close() })
		}
		all.Wait()
		if took := time.Since(start); took < 399*ms || took > 401*ms {
			t.Errorf("4 x 100 ms of data took %v", took)
		}
	})
}

func TestDeadlinesAndBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(shape(t, "100kbit,1s"), 1)
		device, server := pair(l)
		drained := make(chan int64)
		go func() { n, _ := io.Copy(io.Discard, server); drained <- n }()
		_ = device.SetReadDeadline(time.Now().Add(ms))
		if _, err := device.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		_ = device.SetWriteDeadline(time.Now().Add(ms))
		if n, err := device.Write(make([]byte, 10_000_000)); !errors.Is(err, os.ErrDeadlineExceeded) || n < Packet*inFlight {
			t.Errorf("write: %d bytes, %v", n, err)
		} else if _ = device.Close(); <-drained < int64(n) {
			t.Error("what was written before the connection was closed is lost")
		}
		_ = server.Close()
		synctest.Wait()
	})
}

// broken is a connection whose peer vanished.
type broken struct{ net.Conn }

var errReset = errors.New("reset by peer")

func (broken) Read([]byte) (int, error) { return 0, errReset }

func TestTheEndOfAConnectionIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(shape(t, "10mbit,100ms"), 1)
		device, server := pair(l)
		go func() { mustWrite(t, server, []byte("last")); _ = server.Close() }()
		if got, err := io.ReadAll(device); err != nil || string(got) != "last" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := device.Write([]byte("x")); err == nil {
			t.Error("writes to a closed connection")
		}
		_ = device.Close()

		a, _ := net.Pipe()
		lost := l.wrap(broken{a})
		if _, err := lost.Read(make([]byte, 1)); !errors.Is(err, errReset) {
			t.Errorf("a reset reads as %v", err)
		}
		_ = lost.Close()
	})
}

func TestDialTakesARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := Dialer{Link: New(shape(t, "10mbit,200ms"), 1), Dial: func(context.Context, string, string) (net.Conn, error) {
			a, b := net.Pipe()
			_ = b.Close()
			return a, nil
		}}
		start := time.Now()
		c, err := d.DialContext(t.Context(), "tcp", "server:1")
		if err != nil || time.Since(start) < 200*ms || time.Since(start) > 201*ms {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_ = c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*ms)
		defer cancel()
		if _, err := d.DialContext(ctx, "tcp", "server:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a dial that takes too long: %v", err)
		}
	})
}
