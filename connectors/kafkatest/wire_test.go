package kafkatest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/cachenet/cachenet/connectors/broker"
)

// A client that connects to the wire never leaves it: what it produces while the wire is cut arrives when it is mended.
func TestACutWireHoldsUpItsClientsOnly(t *testing.T) {
	b, err := broker.Start(broker.Options{Topics: map[string]int32{"t": 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w, err := NewWire(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	behind, beside := client(t, w.Addr()), client(t, b.Addr())
	produce := func(k *kgo.Client, within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		return k.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte("v")}).FirstErr()
	}
	if err := produce(behind, time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, silent := range []bool{false, true} {
		if err := w.Cut(silent); err != nil {
			t.Fatal(err)
		}
		if produce(behind, 200*time.Millisecond) == nil {
			t.Errorf("silent %v: a record passed the cut wire", silent)
		}
		if err := produce(beside, time.Minute); err != nil {
			t.Errorf("silent %v: a client beside the wire: %v", silent, err)
		}
		if err := w.Mend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := produce(behind, time.Minute); err != nil {
			t.Errorf("silent %v: after the cut: %v", silent, err)
		}
	}
}

func client(t *testing.T, addr string) *kgo.Client {
	t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DisableIdempotentWrite(), kgo.RequestTimeoutOverhead(time.Second), kgo.ProduceRequestTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// An address is replaced wherever the chunks of a response divide it, and nothing else changes.
func TestAddressesAreReplacedAcrossChunks(t *testing.T) {
	from, err := encoded("127.0.0.1:9092")
	if err != nil {
		t.Fatal(err)
	}
	to, err := encoded("127.0.0.1:9999")
	if err != nil {
		t.Fatal(err)
	}
	data := append(append([]byte("before 127.0.0.1 "), from...), "after 12"...)
	want := bytes.ReplaceAll(data, from, to)
	for cut := range len(data) {
		in, out := make(chan *stream.StreamChunk, 2), make(chan *stream.StreamChunk, 10)
		in <- &stream.StreamChunk{Data: data[:cut:cut]}
		in <- &stream.StreamChunk{Data: data[cut:]}
		go (&redirect{From: from, To: to}).Pipe(toxics.NewToxicStub(in, out))
		var got []byte
		for len(got) < len(data) {
			select {
			case c := <-out:
				got = append(got, c.Data...)
			case <-time.After(10 * time.Second):
				t.Fatalf("divided at %d: %q", cut, got)
			}
		}
		close(in)
		if !bytes.Equal(got, want) {
			t.Errorf("divided at %d: %q", cut, got)
		}
	}
}
