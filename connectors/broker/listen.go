package broker

import (
	"fmt"
	"net"
	"os"
)

// listenOn returns a listen function for kfake, which by itself knows loopback only: it keeps kfake's
// port, replaces the host, and lets the listener name the host that clients are told.
func listenOn(host, advertised string) func(network, address string) (net.Listener, error) {
	return func(network, address string) (net.Listener, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		l, err := net.Listen(network, net.JoinHostPort(host, port))
		if err != nil {
			return nil, err
		}
		_, port, err = net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		return namedListener{Listener: l, name: net.JoinHostPort(advertised, port)}, nil
	}
}

// namedListener is a listener that gives another name as its address.
type namedListener struct {
	net.Listener
	name string
}

func (l namedListener) Addr() net.Addr  { return l }
func (l namedListener) Network() string { return "tcp" }
func (l namedListener) String() string  { return l.name }

// advertisedHost is the host that clients are told: a wildcard address is nothing to connect to.
func advertisedHost(given, listen string) (string, error) {
	if given != "" {
		return given, nil
	}
	if ip := net.ParseIP(listen); listen != "" && (ip == nil || !ip.IsUnspecified()) {
		return listen, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("broker: to name this machine to clients: give the advertised host: %w", err)
	}
	return name, nil
}
