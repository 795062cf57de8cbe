package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/broker"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

const (
	coloursPack = "../../testdata/colours"
	someImages  = "images:../../testdata/images"
)

// process is the program running as a separate process.
type process struct {
	*exec.Cmd
	output string // file with its stdout and stderr
	ended  chan struct{}
}

// start runs the program and kills it when the test ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := exec.LookPath("cachenet") // TestMain puts it there
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := &process{Cmd: exec.Command(self, args...), output: f.Name(), ended: make(chan struct{})}
	p.Stdout, p.Stderr = f, f
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.Wait() // ProcessState says it all
	}()
	t.Cleanup(func() {
		if err := p.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-p.ended
	})
	return p
}

// said returns the output of the process so far.
func (p *process) said(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(p.output)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// exit waits for the end of the process and returns its exit code, -1 after a signal.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
		return p.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		t.Fatalf("%v still runs after a minute: %s", p.Args, p.said(t))
		return 0
	}
}

// mustRun runs the program, fails unless it exits with 0, and returns its output.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	p := start(t, args...)
	if code := p.exit(t); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, p.said(t))
	}
	return p.said(t)
}

// eventually polls until ok, or fails the test after half a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// embedded starts a broker in this process and returns its address.
func embedded(t *testing.T) string {
	t.Helper()
	b, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b.Addr()
}

// inTopic returns how many records the topic "frames" contains.
func inTopic(t *testing.T, addr string) (n int64) {
	t.Helper()
	ends, err := kafkaio.EndOffsets(t.Context(), kafkaio.Cluster{Brokers: []string{addr}}, "frames")
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		n += end
	}
	return n
}

// onDisk returns how many frames have a durable row.
func onDisk(t *testing.T, dir string) (n int64) {
	t.Helper()
	durable, err := parquetio.Recover(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, partitions := range durable {
		for _, offsets := range partitions {
			n += offsets.Count()
		}
	}
	return n
}

// checkRows fails unless the data set has one row for each record of the topic, and returns the rows.
func checkRows(t *testing.T, addr, dir string) (rows []schemas.Outcome) {
	t.Helper()
	type place struct {
		partition int32
		offset    int64
	}
	seen := map[place]bool{}
	for row, err := range parquetio.Rows(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
		seen[place{row.Partition, row.Offset}] = true
	}
	if want := inTopic(t, addr); int64(len(rows)) != want || int64(len(seen)) != want {
		t.Errorf("%d records, %d rows, %d of them distinct", want, len(rows), len(seen))
	}
	return rows
}

// lines returns the lines of text that contain part.
func lines(text, part string) (found []string) {
	for line := range bytes.Lines([]byte(text)) {
		if bytes.Contains(line, []byte(part)) {
			found = append(found, string(line))
		}
	}
	return found
}
