package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// defaultPort is kafka-go's for a broker that is given without one.
const defaultPort = "9092"

// dial connects to a broker. Brokers advertise addresses to their clients, so an address that was not given comes from
// the cluster: an error says so, since that is not where one would look for the mistake.
func (c Cluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil || c.given(address) || errors.Is(err, context.Canceled) {
		return conn, err
	}
	wrong := "and no connection to it can be made: start that broker, or correct its advertised.listeners to an address that this machine reaches"
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		wrong = "a name that this machine does not know: correct the broker's advertised.listeners, or make the name known here"
	}
	return nil, fmt.Errorf("%s answers, but advertises a broker at %s, %s (an embedded broker: --advertise): %w",
		strings.Join(c.Brokers, ","), address, wrong, err)
}

// given reports whether address is one of those that the user gave.
func (c Cluster) given(address string) bool {
	return slices.ContainsFunc(c.Brokers, func(b string) bool {
		return b == address || net.JoinHostPort(strings.Trim(b, "[]"), defaultPort) == address
	})
}
