package monitor

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestProfilesAreServedOnLoopback(t *testing.T) {
	at, closed, err := StartPprof("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Get("http://" + at + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if text, _ := io.ReadAll(r.Body); !strings.Contains(string(text), "goroutine profile") {
		t.Errorf("%.100s", text)
	}
	if err := closed(); err != nil {
		t.Error(err)
	}
}

func TestProfilesAreNotServedElsewhere(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":6060", "[::]:0", "192.0.2.1:6060", "example.org:6060", "6060"} {
		if at, closed, err := StartPprof(addr); err == nil {
			t.Errorf("%s is served at %s", addr, at)
			closed()
		} else if !strings.Contains(err.Error(), "--pprof "+addr) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
