package pipelines

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// processOptions are the options of a run in a separate process, passed in the environment variable processEnv.
type processOptions struct {
	Brokers, Topic, Group, Out, DeadLetterTopic, Full string
	UntilEnd, Share                                   bool
	FileAge, SessionTimeout                           time.Duration
}

const processEnv = "CACHENET_TEST_RUN"

// runProcess is what the test binary does instead of testing when processEnv is set: one run, drained on SIGTERM.
func runProcess(text string) error {
	var p processOptions
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return Run(ctx, Options{Cluster: kafkaio.Cluster{Brokers: []string{p.Brokers}}, Topic: p.Topic, Group: p.Group, Out: p.Out, Pack: colours, Full: p.Full,
		DeadLetterTopic: p.DeadLetterTopic, UntilEnd: p.UntilEnd, FileAge: p.FileAge, Share: p.Share, SessionTimeout: p.SessionTimeout})
}

// process prepares a run in a separate process.
func (s *site) process(t *testing.T, o Options) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	text, err := json.Marshal(processOptions{Brokers: strings.Join(s.cluster.Brokers, ","), Topic: s.topic, Group: o.Group, Out: o.Out, Full: o.Full,
		DeadLetterTopic: o.DeadLetterTopic, UntilEnd: o.UntilEnd, FileAge: o.FileAge, Share: o.Share, SessionTimeout: o.SessionTimeout})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), processEnv+"="+string(text))
	said := &bytes.Buffer{}
	c.Stderr = said
	return c, said
}

// SIGTERM under load: the process exits with 0 and leaves nothing unfinished; the next run completes the topic.
func TestSIGTERMUnderLoadDrains(t *testing.T) {
	s := newSite(t, 3)
	s.fill(t, 6, 200)
	o := s.options(t)
	o.UntilEnd = false
	o.FileAge = 50 * time.Millisecond
	c, said := s.process(t, o)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	await(t, func() bool { s.fill(t, 6, 20); return len(durableRows(t, o.Out)) > 200 })
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.fill(t, 6, 100)
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("still running 30 s after SIGTERM: %s", said)
	}
	o.UntilEnd = true
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
}

// main runs the tests, or one run as a separate process.
func main(test func() int) int {
	text, asked := os.LookupEnv(processEnv)
	if !asked {
		return test()
	}
	if err := runProcess(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
