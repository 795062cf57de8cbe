package broker

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
)

// listenOn returns a listen function for kfake, which by itself knows loopback only: it keeps kfake's
// port, replaces the host, and lets the listener set the advertised host.
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

// advertisedHost is the host in the broker's metadata. Clients cannot connect to a wildcard address.
func advertisedHost(given, listen string) (string, error) {
	if given != "" {
		return hostOnly(given)
	}
	if ip := net.ParseIP(listen); listen != "" && (ip == nil || !ip.IsUnspecified()) {
		return listen, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("broker: find this machine's host name: give --advertise HOST: %w", err)
	}
	return name, nil
}

// hostName is a name as DNS and container networks have them.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?$`)

// hostOnly returns a host name or IP address, the latter without brackets.
func hostOnly(given string) (string, error) {
	host := given
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		host = strings.TrimSuffix(inner, "]")
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.IsUnspecified():
		return "", fmt.Errorf("broker: advertise %q: clients cannot connect to a wildcard address: give a host name or address of this machine", given)
	case err == nil, hostName.MatchString(given):
		return host, nil
	}
	if _, _, err := net.SplitHostPort(given); err == nil {
		return "", fmt.Errorf("broker: advertise %q: leave the port out: the advertised port is the one that the broker listens on", given)
	}
	return "", fmt.Errorf("broker: advertise %q: give a host name or an IP address", given)
}
