package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// command prepares the run. Files end early, so that kills meet files in every state.
func (t *trial) command(ctx context.Context, more ...string) (*exec.Cmd, *bytes.Buffer) {
	name := "run"
	if t.edge {
		name, more = "edge", append(t.device(), more...)
	}
	args := append([]string{name, "--brokers", t.cluster.Brokers[0], "--topic", topic, "--group", "chaos",
		"--pack", t.pack, "--out", t.out(), "--file-age", "300ms"}, more...)
	c := exec.CommandContext(ctx, t.binary, args...)
	said := &bytes.Buffer{}
	c.Stderr = said
	return c, said
}

func (t *trial) out() string { return filepath.Join(t.dir, "out") }

// runAndKill starts a run and kills it at that age. A run that ends before by itself is an error: it was
// asked to go on for ever.
func (t *trial) runAndKill(ctx context.Context, age time.Duration) error {
	c, said := t.command(ctx)
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		return fmt.Errorf("the run ended by itself: %w: %s", err, strings.TrimSpace(said.String()))
	case <-time.After(age):
	}
	if err := c.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := <-ended; !errors.As(err, new(*exec.ExitError)) {
		return fmt.Errorf("wait for the killed run: %w", err)
	}
	if state := c.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() || state.Signal() != syscall.SIGKILL {
		return fmt.Errorf("the run ended before it was killed: %s: %s", c.ProcessState, strings.TrimSpace(said.String()))
	}
	return nil
}

// finish lets a run come to the end of the topic.
func (t *trial) finish(ctx context.Context) error {
	c, said := t.command(ctx, "--until-end")
	if err := c.Run(); err != nil {
		return fmt.Errorf("last run: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}

// process is the embedded broker as a process of its own: `cachenet broker`.
type process struct {
	binary, dir, addr string
	cmd               *exec.Cmd
}

func newProcess(binary, dir string) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &process{binary: binary, dir: dir, addr: l.Addr().String()}, l.Close()
}

func (p *process) Addr() string { return p.addr }

func (p *process) Start() error {
	p.cmd = exec.Command(p.binary, "broker", "--listen", p.addr, "--data", p.dir)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.addr)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("broker: %w", err)
		}
	}
}

func (p *process) Stop() error { return p.end(os.Interrupt) }
func (p *process) Kill() error { return p.end(os.Kill) }

func (p *process) end(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return err
	}
	err := p.cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) && s == os.Kill {
		return nil
	}
	return err
}
