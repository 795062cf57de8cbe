package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkatest"
)

// device are the arguments of `cachenet edge` that those of a run do not have.
func (t *trial) device() []string {
	return []string{"--device", "chaos", "--server-brokers", t.wire.Addr(), "--drain", "1s"}
}

// startServer starts a broker for the server, and the server on it, which is killed at random moments until ctx is done.
// It is then left alone until stop is called; killed says how often it was killed, and is complete after stop.
func (t *trial) startServer(ctx context.Context, random *rand.Rand) (b kafkatest.Broker, stop func() (killed int, err error), err error) {
	if b, err = newProcess(t.binary, filepath.Join(t.dir, "server-broker")); err != nil {
		return nil, nil, err
	}
	if err := b.Start(); err != nil {
		return nil, nil, err
	}
	t.server = b.Addr()
	killed, done, ended := 0, make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			age := time.Duration(random.Int64N(int64(t.pause)))
			c, err := t.serve()
			if err != nil {
				ended <- err
				return
			}
			select {
			case <-ctx.Done():
				<-done
				ended <- errors.Join(c.Process.Signal(os.Interrupt), c.Wait())
				return
			case <-time.After(age):
			}
			if err := c.Process.Kill(); err != nil {
				ended <- fmt.Errorf("the server ended by itself: %w", err)
				return
			}
			_ = c.Wait() // it was killed
			killed++
		}
	}()
	return b, func() (int, error) { close(done); err := <-ended; return killed, err }, nil
}

func (t *trial) serve() (*exec.Cmd, error) {
	c := exec.Command(t.binary, "serve", "--brokers", t.server, "--pack", t.pack, "--out", filepath.Join(t.dir, "answered"), "--file-age", "300ms")
	c.Stderr = os.Stderr
	return c, c.Start()
}

// tortureEdge is torture with a server, which is killed as well, behind a link that is cut.
func (t *trial) tortureEdge(ctx context.Context, addr string) (verdict, error) {
	torment, leave := context.WithCancel(ctx)
	defer leave()
	b, stop, err := t.startServer(torment, rand.New(rand.NewPCG(t.seed, 1)))
	if err != nil {
		return verdict{}, err
	}
	mended, err := t.startCuts(torment, rand.New(rand.NewPCG(t.seed, 2)))
	var v verdict
	if err == nil {
		t.left = func() error { leave(); return mended() }
		v, err = t.torture(ctx, addr)
	}
	leave()
	killed, serverErr := stop()
	v.kills, v.cuts, v.outage = v.kills+killed, t.cuts, t.outage
	if t.wire != nil {
		t.wire.Close()
	}
	return v, errors.Join(err, serverErr, b.Stop())
}
