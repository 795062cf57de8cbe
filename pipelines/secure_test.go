package pipelines

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
)

// keystore writes a self-signed certificate of 127.0.0.1, and one file with it and its key.
func keystore(t *testing.T) (certFile, storeFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	certFile, storeFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "store.pem")
	for path, text := range map[string][]byte{certFile: certPEM, storeFile: append(keyPEM, certPEM...)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, storeFile
}

// The embedded broker's part of this is in connectors/kafkaio.
func TestARunOverTLSAndSASL(t *testing.T) {
	if !kafkatest.Real() {
		t.Skip("needs a real Kafka: make test-kafka")
	}
	const secret = "correct-horse-battery"
	cert, store := keystore(t)
	port, err := kafkatest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	secure, err := kafkatest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	listeners := fmt.Sprintf("PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d,SASL_SSL://127.0.0.1:%d", port, port+1, secure)
	k, err := kafkatest.NewKafka(t.TempDir(), port, "listeners="+listeners, "advertised.listeners="+listeners,
		"listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
		"inter.broker.listener.name=PLAINTEXT", "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512", "ssl.keystore.type=PEM", "ssl.keystore.location="+store,
		`listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_ann="`+secret+`";`,
		"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;")
	if err == nil {
		err = k.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := kafkatest.AddScramUser(t.Context(), k.Addr(), "bob", secret); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	t.Setenv("TEST_SECRET", secret)
	for user, mechanism := range map[string]string{"ann": "PLAIN", "bob": "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			s := newSiteAt(t, k.Addr(), 2)
			s.fill(t, 4, 50)
			s.cluster = kafkaio.Cluster{Brokers: []string{fmt.Sprintf("127.0.0.1:%d", secure)}, Security: kafkaio.Security{
				TLS: true, CAFile: cert, SASL: mechanism, User: user, PasswordEnv: "TEST_SECRET"}}
			o := s.options(t)
			o.OutcomesTopic, o.DeadLetterTopic = s.topic+"-outcomes", s.topic+"-dead"
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			s.rows(t, o.Out)
			t.Setenv("WRONG_SECRET", "wr0ng")
			o.Cluster.Security.PasswordEnv = "WRONG_SECRET"
			if err := Run(t.Context(), o); err == nil || strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
	if strings.Contains(said.String(), secret) || strings.Contains(said.String(), "wr0ng") {
		t.Error("the password is in the log")
	}
}
