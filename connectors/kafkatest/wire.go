package kafkatest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// Wire is a network path to a broker that can be cut, for some of the broker's clients: those that connect to Addr.
type Wire struct {
	proxy *toxiproxy.Proxy
	kind  string // of the toxics that cut it; empty: it is whole
}

// NewWire returns a path to the broker at HOST:PORT of loopback.
func NewWire(broker string) (*Wire, error) {
	toxics.Register(redirectType, &redirect{})
	s := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &Wire{proxy: toxiproxy.NewProxy(s, "wire", address(0), broker)}
	if err := w.proxy.Start(); err != nil {
		return nil, err
	}
	from, err := encoded(broker)
	if err != nil {
		return nil, err
	}
	to, err := encoded(w.Addr())
	if err != nil {
		return nil, err
	}
	return w, w.spoil(redirectType, stream.Downstream, redirect{From: from, To: to})
}

// Addr is the HOST:PORT for clients behind the wire. Brokers tell clients where to connect to; behind the wire that is here.
func (w *Wire) Addr() string { return w.proxy.Listen }

// Close ends the path.
func (w *Wire) Close() { w.proxy.Stop() }

// Cut cuts the path. A silent cut loses what is sent, and connections stay open, as with a radio link out of reach; otherwise
// connections are reset, also new ones.
func (w *Wire) Cut(silent bool) error {
	if w.kind = "reset_peer"; silent {
		w.kind = "timeout" // without a time it never closes a connection
	}
	for _, d := range directions {
		if err := w.spoil(w.kind, d, struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

// Mend ends a cut. Connections that were open in a silent cut are closed: they have lost data.
func (w *Wire) Mend(ctx context.Context) error {
	for _, d := range directions {
		if err := w.proxy.Toxics.RemoveToxic(ctx, w.kind+d.String()); err != nil {
			return fmt.Errorf("mend the wire: %w", err)
		}
	}
	return nil
}

var directions = [...]stream.Direction{stream.Upstream, stream.Downstream}

// spoil adds a toxic, which is toxiproxy's word for what changes data on its way.
func (w *Wire) spoil(kind string, d stream.Direction, attributes any) error {
	text, err := json.Marshal(map[string]any{"name": kind + d.String(), "type": kind, "stream": d.String(), "attributes": attributes})
	if err == nil {
		_, err = w.proxy.Toxics.AddToxicJson(bytes.NewReader(text))
	}
	if err != nil {
		return fmt.Errorf("wire: %s: %w", kind, err)
	}
	return nil
}

// encoded is a broker's address as Kafka's responses hold it: the host as a string, whose length does not change, and the
// port in four bytes.
func encoded(address string) ([]byte, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint32([]byte(host), uint32(n)), nil
}

const redirectType = "redirect"

// redirect is a toxic that replaces one broker address by another one of the same length.
type redirect struct{ From, To []byte }

// held is how long the start of what may be an address waits for its rest.
const held = 10 * time.Millisecond

// Pipe implements toxics.Toxic.
func (r *redirect) Pipe(stub *toxics.ToxicStub) {
	var rest []byte
	send := func(data []byte) {
		if len(data) > 0 {
			stub.Output <- &stream.StreamChunk{Data: data, Timestamp: time.Now()}
		}
	}
	for {
		var late <-chan time.Time
		if len(rest) > 0 {
			late = time.After(held)
		}
		select {
		case <-stub.Interrupt:
			send(rest)
			return
		case <-late:
			send(rest)
			rest = nil
		case c := <-stub.Input:
			if c == nil {
				send(rest)
				stub.Close()
				return
			}
			data := bytes.ReplaceAll(append(rest, c.Data...), r.From, r.To)
			whole := len(data) - begun(data, r.From)
			send(data[:whole:whole])
			rest = bytes.Clone(data[whole:])
		}
	}
}

// begun is how many bytes at the end of data may be the start of an address.
func begun(data, address []byte) int {
	for n := min(len(data), len(address)-1); n > 0; n-- {
		if bytes.HasPrefix(address, data[len(data)-n:]) {
			return n
		}
	}
	return 0
}
