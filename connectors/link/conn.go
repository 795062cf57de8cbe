package link

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Dialer dials through a link.
type Dialer struct {
	Link *Link
	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: that of a zero [net.Dialer]
}

// DialContext dials, which takes a round trip, and returns a connection over the link.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	arrival := d.Link.Down.Deliver(d.Link.Up.Deliver(d.Link.since(), handshake), handshake)
	wait := time.NewTimer(arrival - d.Link.since())
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
	}
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return d.Link.wrap(c), nil
}

// handshake is the size of the packets that open a connection.
const handshake = 60

// inFlight bounds the packets of one connection and direction that wait or travel: a Write blocks beyond it, as one into a
// full socket buffer does.
const inFlight = 256

// conn is the device's end of a connection over a link. The caller has one end of a pipe; two goroutines in each direction
// carry packets between its other end and the real connection.
type conn struct {
	net.Conn          // the caller's end of the pipe
	real     net.Conn // of the device
	close    func() error

	mu   sync.Mutex
	lost error // why the real connection ended, where that was no end of data
}

// wrap returns the device's end of a connection whose data passes through the link. Closing it closes c once what was
// written has been delivered.
func (l *Link) wrap(c net.Conn) net.Conn {
	outer, inner := net.Pipe()
	w := &conn{Conn: outer, real: c, close: sync.OnceValue(outer.Close)}
	up, down := make(chan packet, inFlight), make(chan packet, inFlight)
	go func() { _ = l.accept(l.Up, inner, up) }() // ends when the caller closes its end
	go func() {
		deliver(l, up, c)
		_ = c.Close()     // the caller has closed its end, or the peer takes no more
		_ = inner.Close() // ends accept, and the caller's next Write
	}()
	go func() { w.fail(l.accept(l.Down, c, down)) }()
	go func() {
		deliver(l, down, inner)
		_ = inner.Close() // the caller reads the end of the data
		_ = c.Close()
	}()
	return w
}

// packet is data with the time at which it arrives.
type packet struct {
	arrival time.Duration
	data    []byte
}

// accept reads what one end sends, until it ends, and says when each packet arrives: never before the one ahead of it.
func (l *Link) accept(d *Direction, from io.Reader, out chan<- packet) error {
	defer close(out)
	var last time.Duration
	for {
		data := make([]byte, Packet)
		n, err := from.Read(data)
		if n > 0 {
			last = max(last, d.Deliver(l.since(), n))
			out <- packet{last, data[:n]}
		}
		if err != nil {
			return err
		}
	}
}

// deliver writes packets when they arrive. After an error it only empties the channel, so that accept is never stuck.
func deliver(l *Link, packets <-chan packet, to io.WriteCloser) {
	failed := false
	for p := range packets {
		if failed {
			continue
		}
		time.Sleep(p.arrival - l.since())
		if _, err := to.Write(p.data); err != nil {
			failed = true
			_ = to.Close() // the other direction learns of it too
		}
	}
}

func (c *conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
		c.lost = err
	}
}

// Read returns what has arrived; once the connection broke, its error in place of an end of data.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, io.EOF) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.lost != nil {
			err = c.lost
		}
	}
	return n, err
}

func (c *conn) Close() error         { return c.close() }
func (c *conn) LocalAddr() net.Addr  { return c.real.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr { return c.real.RemoteAddr() }
