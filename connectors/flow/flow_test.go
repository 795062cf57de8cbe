package flow

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCredit(t *testing.T) {
	l := Open(t.Name(), 2*FrameCost+100)
	defer Close(t.Name())
	if For(t.Name()) != l {
		t.Fatal("For finds another link")
	}
	l.Read(2, 99)
	if l.Full() {
		t.Error("full below its limit")
	}
	l.Read(1, 50)
	if !l.Full() {
		t.Error("not full above its limit")
	}
	l.Written(1, 50)
	if l.Full() {
		t.Error("full after room was made")
	}
	if read, written := l.Counts(); read != 3 || written != 1 {
		t.Errorf("read %d, written %d", read, written)
	}
	unlimited := For("nobody opened it")
	unlimited.Read(1, 1<<60)
	if unlimited.Full() {
		t.Error("a link without a limit is full")
	}
}

type closer struct {
	closed int
	err    error
}

func (c *closer) Close() error { c.closed++; return c.err }

func TestKeep(t *testing.T) {
	l := Open(t.Name(), 0)
	opened, broken := 0, errors.New("broken")
	c := &closer{err: broken}
	open := func() (io.Closer, error) { opened++; return c, nil }
	for range 2 {
		if got, err := l.Keep("x", open); got != c || err != nil {
			t.Errorf("got %v, error %v", got, err)
		}
	}
	if _, err := l.Keep("y", func() (io.Closer, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got error %v", err)
	}
	if err := Close(t.Name()); !errors.Is(err, broken) {
		t.Errorf("got error %v", err)
	}
	if err := Close(t.Name()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if opened != 1 || c.closed != 1 {
		t.Errorf("opened %d times, closed %d times", opened, c.closed)
	}
}

func TestEverybodyIsTold(t *testing.T) {
	l := &Link{}
	var durable []Durable
	var lost []Lost
	for range 2 {
		l.OnDurable(func(d Durable) { durable = append(durable, d) })
		l.OnLost(func(x Lost) { lost = append(lost, x) })
	}
	l.SetDurable(Durable{Topic: "t", Partition: 3})
	l.SetLost(Lost{Topic: "t", From: 1, To: 2})
	if len(durable) != 2 || durable[1].Partition != 3 {
		t.Errorf("durable %v", durable)
	}
	if diff := cmp.Diff([]Lost{{Topic: "t", From: 1, To: 2}, {Topic: "t", From: 1, To: 2}}, lost); diff != "" {
		t.Error(diff)
	}
}
