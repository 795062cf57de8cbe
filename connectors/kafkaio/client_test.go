package kafkaio

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// selfSigned makes a certificate for the loopback address and writes it to a file.
func selfSigned(t *testing.T) (pair tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestSecureConnections(t *testing.T) {
	leakCheck(t)
	pair, ca := selfSigned(t)
	const secret = "s3cret-words"
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "frames"),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "ann", secret), kfake.Superuser("SCRAM-SHA-256", "bob", secret), kfake.Superuser("SCRAM-SHA-512", "cat", secret))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	t.Setenv("KAFKA_PASSWORD", secret)
	t.Setenv("WRONG_PASSWORD", "wr0ng-words")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EMPTY", "")
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		security Security
		wrong    string // part of the error; empty when it works
	}{
		"plain":         {Security{TLS: true, CAFile: ca, SASL: "PLAIN", User: "ann", PasswordEnv: "KAFKA_PASSWORD"}, ""},
		"scram 256":     {Security{TLS: true, CAFile: ca, SASL: "SCRAM-SHA-256", User: "bob", PasswordEnv: "KAFKA_PASSWORD"}, ""},
		"scram 512":     {Security{TLS: true, CAFile: ca, SASL: "SCRAM-SHA-512", User: "cat", PasswordFile: file}, ""},
		"unverified":    {Security{TLS: true, SkipVerify: true, SASL: "PLAIN", User: "ann", PasswordFile: file}, ""},
		"unknown CA":    {Security{TLS: true, SASL: "PLAIN", User: "ann", PasswordFile: file}, "certificate"},
		"wrong":         {Security{TLS: true, CAFile: ca, SASL: "PLAIN", User: "ann", PasswordEnv: "WRONG_PASSWORD"}, "check the login"},
		"no TLS":        {Security{SASL: "PLAIN", User: "ann", PasswordFile: file}, "whether it expects TLS"},
		"unset":         {Security{SASL: "PLAIN", User: "ann", PasswordEnv: "NOT_SET"}, "environment variable NOT_SET is not set or empty"},
		"empty file":    {Security{SASL: "PLAIN", User: "ann", PasswordFile: empty}, "is not set or empty"},
		"empty":         {Security{SASL: "PLAIN", User: "ann", PasswordEnv: "EMPTY"}, "environment variable EMPTY is not set or empty"},
		"no password":   {Security{SASL: "PLAIN", User: "ann"}, "--sasl without a password"},
		"bad mechanism": {Security{SASL: "GSSAPI", User: "ann", PasswordFile: file}, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
		"no CA file":    {Security{TLS: true, CAFile: filepath.Join(t.TempDir(), "none")}, "certificate authorities"},
		"CA not PEM":    {Security{TLS: true, CAFile: file}, "contains no PEM certificate"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := Cluster{Brokers: cluster.ListenAddrs(), Security: test.security}
			start := time.Now()
			_, err := Describe(t.Context(), c, "frames")
			if test.wrong == "" && err != nil || test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
				t.Errorf("got error %v, want %q", err, test.wrong)
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %s", d)
			}
			serialised, jsonErr := json.Marshal(ReadConfig{Cluster: c})
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			for _, s := range []string{"s3cret", "wr0ng"} {
				if strings.Contains(string(serialised), s) || err != nil && strings.Contains(err.Error(), s) {
					t.Error("the password is visible")
				}
			}
		})
	}
}

// The error of the first request says what to check.
func TestTheErrorOfAnUnreachableCluster(t *testing.T) {
	silent := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	for want, c := range map[string]struct {
		tls bool
		err error
	}{
		"start the broker or correct its address":          {false, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}},
		"does not answer: check that it is a Kafka broker": {false, silent},
		"TLS listener":           {true, silent},
		"check the login":        {true, io.EOF},
		"whether it expects TLS": {false, io.ErrUnexpectedEOF},
	} {
		cluster := Cluster{Brokers: []string{"kafka:9092"}, Security: Security{TLS: c.tls}}
		asked := fmt.Errorf("kafka.(*Client).Metadata: %w", c.err) // as kafka-go words it
		if err := cluster.unreachable(asked); !strings.Contains(err.Error(), want) || !errors.Is(err, c.err) || strings.Contains(err.Error(), "Client") {
			t.Errorf("%v is reported as %v, want %q", c.err, err, want)
		}
	}
}
