package kafkaio

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Addresses returns brokers' addresses, HOST:PORT or HOST, without the blanks and empty entries that lists are written
// with. Text that cannot be an address is an error that says what to write instead.
func Addresses(brokers []string) ([]string, error) {
	var all []string
	for _, b := range brokers {
		b = strings.TrimSpace(b)
		if b == "" {
			continue
		}
		if err := checkAddress(b); err != nil {
			return nil, fmt.Errorf("kafka: broker %q: %w", b, err)
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		return nil, errors.New("kafka: no broker given: give at least one as HOST:PORT")
	}
	return all, nil
}

func checkAddress(b string) error {
	switch _, _, err := net.SplitHostPort(b); {
	case strings.Contains(b, "://"):
		return errors.New("must be HOST:PORT, without a scheme; --tls encrypts the connection")
	case strings.ContainsAny(b, " \t\r\n;"):
		return errors.New("must be HOST:PORT; separate brokers by commas")
	case strings.Contains(b, "/"):
		return errors.New("must be HOST:PORT, without a path")
	case strings.Contains(b, ":") && err != nil:
		return errors.New("must be HOST:PORT; an IPv6 address is written [ADDRESS]:PORT")
	}
	return nil
}
