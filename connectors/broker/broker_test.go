package broker

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func start(t *testing.T, o Options) *Broker {
	t.Helper()
	b, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestDataDirKeepsTopics(t *testing.T) {
	o := Options{DataDir: t.TempDir(), Topics: map[string]int32{"frames": 3}}
	b := start(t, o)
	w := &kafka.Writer{Addr: kafka.TCP(b.Addr()), Topic: "frames", RequiredAcks: kafka.RequireAll, Balancer: fixed(2), BatchTimeout: time.Millisecond}
	if err := w.WriteMessages(t.Context(), kafka.Message{Value: []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	o.Listen = b.Addr()
	if again := start(t, o); again.Addr() != b.Addr() {
		t.Errorf("listens on %s, want %s", again.Addr(), b.Addr())
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.Addr()}, Topic: "frames", Partition: 2, MaxWait: 50 * time.Millisecond})
	defer r.Close()
	m, err := r.ReadMessage(t.Context())
	if err != nil || string(m.Value) != "kept" {
		t.Errorf("got %q, error %v", m.Value, err)
	}
}

// fixed is a balancer that always takes the same partition.
type fixed int

func (f fixed) Balance(kafka.Message, ...int) int { return int(f) }

func TestAutoCreate(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		b := start(t, Options{AutoCreate: allowed, Partitions: 2})
		w := &kafka.Writer{Addr: kafka.TCP(b.Addr()), Topic: "new", AllowAutoTopicCreation: true, MaxAttempts: 2, BatchTimeout: time.Millisecond}
		if err := w.WriteMessages(t.Context(), kafka.Message{Value: []byte("x")}); (err == nil) != allowed {
			t.Errorf("allowed %v: got error %v", allowed, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStartReportsErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	held := t.TempDir()
	start(t, Options{DataDir: held})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		options Options
		want    string
	}{
		"port in use":   {Options{Listen: taken.Addr().String()}, "choose an address of this machine and a free port"},
		"no port":       {Options{Listen: "127.0.0.1"}, "give HOST:PORT"},
		"bad port":      {Options{Listen: "127.0.0.1:70000"}, "give a port from 0 to 65535"},
		"no folder":     {Options{DataDir: filepath.Join(file, "data")}, "give one that can be written"},
		"folder in use": {Options{DataDir: held}, "another broker has it open"},

		"advertised port":        {Options{Advertise: "kafka.example:9092"}, "leave the port out"},
		"advertised IPv6 port":   {Options{Advertise: "[::1]:9092"}, "leave the port out"},
		"advertised URL":         {Options{Advertise: "PLAINTEXT://kafka.example:9092"}, "give a host name or an IP address"},
		"advertised list":        {Options{Advertise: "a.example,b.example"}, "give a host name or an IP address"},
		"advertised wildcard":    {Options{Advertise: "0.0.0.0"}, "cannot connect to a wildcard address"},
		"advertised IPv6 any":    {Options{Advertise: "[::]"}, "cannot connect to a wildcard address"},
		"advertised blank":       {Options{Advertise: " "}, "give a host name or an IP address"},
		"advertised half a name": {Options{Advertise: "[::1"}, "give a host name or an IP address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := Start(test.options)
			if err == nil {
				b.Close()
				t.Fatal("started without an error")
			}
			if !strings.HasPrefix(err.Error(), "broker: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %q, want one that says %q", err, test.want)
			}
		})
	}
}

func TestAdvertisedHost(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range [][3]string{
		{"", "127.0.0.1", "127.0.0.1"},
		{"", "0.0.0.0", name},
		{"", "::", name},
		{"", "", name},
		{"kafka.example", "0.0.0.0", "kafka.example"},
		{"kafka_1", "0.0.0.0", "kafka_1"},
		{"kafka.example.", "0.0.0.0", "kafka.example."},
		{"10.0.0.5", "0.0.0.0", "10.0.0.5"},
		{"::1", "::", "::1"},
		{"[fe80::1]", "::", "fe80::1"},
	} {
		if got, err := advertisedHost(test[0], test[1]); err != nil || got != test[2] {
			t.Errorf("advertised %q, listen %q: got %q, error %v", test[0], test[1], got, err)
		}
	}
}
