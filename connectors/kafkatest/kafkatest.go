// Package kafkatest starts brokers to test delivery on: a real Apache Kafka (scripts/kafka.sh) and the
// embedded broker, both reached over loopback, both able to stop, die and come back on the same port
// with the same data.
package kafkatest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cachenet/cachenet/connectors/broker"
)

// Broker is a broker that a test can stop and restart.
type Broker interface {
	Addr() string // HOST:PORT, the same after every start
	Start() error // returns when clients are answered
	Stop() error  // in order, as its operator would
	Kill() error  // as a power cut would; the embedded broker only closes
}

// Real reports whether tests are to use a real Kafka: CACHENET_TEST_KAFKA is set.
func Real() bool { return os.Getenv("CACHENET_TEST_KAFKA") != "" }

// New prepares a broker that keeps its data in dir, real or embedded as [Real] says; Start starts it.
// properties are lines for a real Kafka's server.properties.
func New(dir string, properties ...string) (Broker, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	if Real() {
		return NewKafka(dir, port, properties...)
	}
	return &embedded{options: broker.Options{Listen: address(port), DataDir: dir}}, nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// FreePort finds a free port on loopback; the next port is free too, for Kafka's controller.
func FreePort() (int, error) {
	for range 50 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", address(port+1))
		_ = first.Close() // only its number was wanted
		if err == nil {
			_ = second.Close()
			return port, nil
		}
	}
	return 0, errors.New("kafkatest: no two free ports in a row")
}

// embedded is the embedded broker in this process.
type embedded struct {
	options broker.Options
	running *broker.Broker
}

func (e *embedded) Addr() string { return e.options.Listen }

func (e *embedded) Start() (err error) {
	e.running, err = broker.Start(e.options)
	return err
}

func (e *embedded) Stop() error { return e.running.Close() }
func (e *embedded) Kill() error { return e.running.Close() }

// Kafka is an Apache Kafka in a process of its own.
type Kafka struct {
	dir        string
	port       int
	properties string
	first      string // folder of the broker whose cluster it joins, empty for one of its own
	stopped    bool   // in order, since it was started last
}

// NewKafka prepares a Kafka on a port of loopback, 0 for a free one; its controller takes the next port.
func NewKafka(dir string, port int, properties ...string) (*Kafka, error) {
	if port == 0 {
		var err error
		if port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	k := &Kafka{dir: dir, port: port}
	if len(properties) > 0 {
		k.properties = filepath.Join(dir, "extra.properties")
		text := strings.Join(properties, "\n") + "\n"
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(k.properties, []byte(text), 0o600)); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Join prepares a second broker of k's cluster, with the same properties; its node id is 2, k's is 1. k must be
// running when the second one starts, and is the cluster's controller.
func (k *Kafka) Join(dir string) (*Kafka, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	return &Kafka{dir: dir, port: port, properties: k.properties, first: k.dir}, nil
}

// Addr returns the HOST:PORT of its plain listener.
func (k *Kafka) Addr() string { return address(k.port) }

// Start starts it and returns when it answers requests.
func (k *Kafka) Start() error {
	args := []string{"start", k.dir, strconv.Itoa(k.port)}
	if k.first != "" {
		args = []string{"join", k.dir, k.first, strconv.Itoa(k.port)}
	}
	if k.properties != "" {
		args = append(args, k.properties)
	}
	k.stopped = false
	return script(args...)
}

// Stop shuts it down in order, unless it is already.
func (k *Kafka) Stop() error {
	if k.stopped {
		return nil
	}
	err := script("stop", k.dir)
	k.stopped = err == nil
	return err
}

// Kill sends it SIGKILL and waits until it is gone.
func (k *Kafka) Kill() error {
	text, err := os.ReadFile(filepath.Join(k.dir, "pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("kafkatest: process %d is alive after SIGKILL", pid)
		}
	}
	return nil
}

// script runs scripts/kafka.sh. Its output goes to a file, since the broker that it starts inherits it.
func script(args ...string) error {
	_, here, _, _ := runtime.Caller(0)
	log, err := os.CreateTemp("", "kafkatest")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(log.Name()) }()
	defer log.Close()
	c := exec.Command(filepath.Join(filepath.Dir(here), "..", "..", "scripts", "kafka.sh"), args...)
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("kafka.sh %s: %w: %s", args[0], err, strings.TrimSpace(string(text)))
	}
	return nil
}
