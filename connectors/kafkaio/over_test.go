package kafkaio

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/link"
)

// A broker that can be reached at once takes a round trip of the link to reach.
func TestConnectionsGoOverTheLink(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, one := range []struct {
		text string
		want error
	}{{"1gbit,0s", nil}, {"1gbit,1h", context.DeadlineExceeded}} {
		shape, err := link.Parse(one.text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Cluster{Brokers: []string{listener.Addr().String()}}.connect()
		if err != nil {
			t.Fatal(err)
		}
		c.over(link.New(shape, 1))
		ctx := t.Context()
		if one.want != nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
		}
		conn, err := c.transport.Dial(ctx, "tcp", listener.Addr().String())
		if !errors.Is(err, one.want) {
			t.Errorf("%s: %v", one.text, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
