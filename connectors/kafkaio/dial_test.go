package kafkaio

import (
	"net"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/broker"
	"github.com/cachenet/cachenet/schemas"
)

// A broker tells clients which address to connect to. When that address does not work, the broker's settings are wrong.
func TestUnreachableAdvertisedAddress(t *testing.T) {
	leakCheck(t)
	for advertised, hint := range map[string]string{
		"kafka.invalid": "a name that this machine does not know",
		"127.0.0.2":     "no connection to it can be made", // no listener there
	} {
		b, err := broker.Start(broker.Options{Advertise: advertised, Topics: map[string]int32{"frames": 1}})
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		c := Cluster{Brokers: []string{"127.0.0.1:" + port}}
		_, described := Describe(t.Context(), c, "frames")
		tests := map[string]error{"describe": described}
		if advertised == "kafka.invalid" { // a refused connection is tried again for minutes
			p, err := NewProducer(c, "frames", "/test")
			if err != nil {
				t.Fatal(err)
			}
			tests["publish"] = p.Publish(t.Context(), []schemas.Frame{{Stream: "cam", Image: []byte(jpegHead)}})
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		for name, err := range tests {
			for _, want := range []string{"127.0.0.1:" + port + " answers, but advertises a broker at " + advertised + ":" + port, hint, "advertised.listeners"} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: error %v does not say %q", name, err, want)
				}
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := Describe(t.Context(), c, "frames"); err == nil || strings.Contains(err.Error(), "advertise") {
			t.Errorf("no listener at the given address: error %v", err)
		}
	}
}
