package kafkaio

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/cachenet/cachenet/connectors/link"
)

const (
	requestTimeout = 10 * time.Second
	dialTimeout    = 4 * time.Second // an unreachable broker is an error within 10 s
	// kafka-go asks for new metadata after a random share of this, so it bounds how long a writer looks for
	// a moved leader at its old place.
	metadataTTL = 2 * time.Second
)

// Cluster says how to connect. It is serialised into the pipeline, so it names secrets and never holds them.
type Cluster struct {
	Brokers  []string // HOST:PORT of one or more brokers
	Security Security
}

// Security says how to connect to brokers that do not take plain connections from everybody.
type Security struct {
	TLS        bool   // encrypt, and verify the broker's certificate
	CAFile     string // PEM file of the authorities to trust; empty means the system's
	CertFile   string // PEM file of the client's certificate; empty means none
	KeyFile    string // PEM file of its key
	SkipVerify bool   // take any certificate

	SASL         string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty means none
	User         string
	PasswordEnv  string // environment variable with the password
	PasswordFile string // file with the password; used when PasswordEnv is empty
}

// client is a Kafka client with the connections it owns.
type client struct {
	kafka.Client
	transport *kafka.Transport
}

// close closes idle connections, and those in use when they become idle. The client can still be used.
func (c *client) close() { c.transport.CloseIdleConnections() }

// over makes all connections from now on share a link.
func (c *client) over(l *link.Link) {
	c.transport.Dial = link.Dialer{Link: l, Dial: c.transport.Dial}.DialContext
}

// Close lets a session keep the client.
func (c *client) Close() error {
	c.close()
	return nil
}

// connect prepares a client; connections are made on demand. It is the one place where a transport is made.
// Naming the topics in use keeps the metadata small on a large cluster.
func (c Cluster) connect(topics ...string) (*client, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("kafka: connect: give at least one broker as HOST:PORT")
	}
	if err := c.Security.Validate(); err != nil {
		return nil, err
	}
	t := &kafka.Transport{
		ClientID:       "cachenet",
		Dial:           c.dial,
		DialTimeout:    dialTimeout,
		MetadataTTL:    metadataTTL,
		MetadataTopics: topics,
	}
	var err error
	if t.TLS, err = c.Security.tls(); err != nil {
		return nil, err
	}
	if t.SASL, err = c.Security.sasl(); err != nil {
		return nil, err
	}
	return &client{
		Client:    kafka.Client{Addr: kafka.TCP(c.Brokers...), Timeout: requestTimeout, Transport: t},
		transport: t,
	}, nil
}

// ErrUnavailable is in the chain of an error that may pass by itself: no broker answered, or none could yet.
var ErrUnavailable = errors.New("kafka is not available")

// unavailable is such an error; its text says why.
type unavailable struct{ error }

func (u unavailable) Unwrap() []error { return []error{u.error, ErrUnavailable} }

// mayPass marks err, got from a request, if it may pass by itself.
func mayPass(err error) error {
	var refused kafka.Error
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &refused) && !refused.Temporary() {
		return err
	}
	return unavailable{bare(err)}
}

// unreachable words err, got on the first request to the cluster.
func (c Cluster) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	hint := "start the broker or correct its address"
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		hint = "it closes the connection: check the login and whether it expects TLS" // as some brokers answer a wrong password
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.Security.TLS && connected(err):
		hint = "it takes the connection and does not answer: check that it is a Kafka broker, that it is not stopped, and whether it expects TLS"
	case c.Security.TLS && errors.Is(err, os.ErrDeadlineExceeded):
		hint = "it does not answer in TLS: check that this is the port of its TLS listener, or leave --tls out"
	}
	return fmt.Errorf("kafka: connect to %s: %s: %w", strings.Join(c.Brokers, ","), hint, bare(err))
}

// bare is err without the names of functions that kafka-go puts before it.
func bare(err error) error {
	for strings.HasPrefix(err.Error(), "kafka.(*") && errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

// connected reports whether err, from the network, came after the connection was made.
func connected(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op != "dial"
}

func (s Security) tls() (*tls.Config, error) {
	if !s.TLS {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.SkipVerify}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: read certificate authorities: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: read certificate authorities: %s contains no PEM certificate", s.CAFile)
		}
	}
	if s.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: read the client certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

func (s Security) sasl() (sasl.Mechanism, error) {
	if s.SASL == "" {
		return nil, nil
	}
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	switch s.SASL {
	case saslSHA256:
		return scram.Mechanism(scram.SHA256, s.User, password)
	case saslSHA512:
		return scram.Mechanism(scram.SHA512, s.User, password)
	}
	return plain.Mechanism{Username: s.User, Password: password}, nil // see Validate
}

// password returns the password, which must not be empty: a variable or a file without content is a secret that was not
// filled in.
func (s Security) password() (string, error) {
	from, password := "environment variable "+s.PasswordEnv, os.Getenv(s.PasswordEnv)
	if s.PasswordEnv == "" {
		b, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("kafka: log in as %s: %w", s.User, err)
		}
		from, password = "file "+s.PasswordFile, strings.TrimRight(string(b), "\r\n")
	}
	if password == "" {
		return "", fmt.Errorf("kafka: log in as %s: %s is not set or empty: it must contain the password", s.User, from)
	}
	return password, nil
}
