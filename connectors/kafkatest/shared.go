package kafkatest

import (
	"os"
	"sync"
	"testing"
)

// shared is the broker that the tests of a process share: starting a Kafka takes seconds.
var shared struct {
	sync.Mutex
	broker Broker
	dir    string
}

// Shared returns the address of a broker that all tests of this process use, each with topics of its own.
// Call [StopShared] from TestMain.
func Shared(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.broker != nil {
		return shared.broker.Addr()
	}
	dir, err := os.MkdirTemp("", "kafkatest")
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(dir)
	if err == nil {
		err = b.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	shared.broker, shared.dir = b, dir
	return b.Addr()
}

// StopShared stops the shared broker, if there is one, and removes its data.
func StopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.broker == nil {
		return nil
	}
	err := shared.broker.Stop()
	shared.broker = nil
	if err != nil {
		return err
	}
	return os.RemoveAll(shared.dir)
}

// Own starts a broker for one test, which stops it at the end.
func Own(t testing.TB, properties ...string) Broker {
	t.Helper()
	b, err := New(t.TempDir(), properties...)
	if err == nil {
		err = b.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}
