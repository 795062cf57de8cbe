package pipelines

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/parquetio"
)

// session is the shortest session timeout that brokers take.
const session = 6 * time.Second

// member is a process that shares.
type member struct {
	*exec.Cmd
	said  *bytes.Buffer
	ended chan error
}

// join starts a member.
func (s *site) join(t *testing.T, o Options) *member {
	t.Helper()
	m := &member{ended: make(chan error, 1)}
	m.Cmd, m.said = s.process(t, o)
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { m.ended <- m.Wait(); close(m.ended) }()
	t.Cleanup(func() { // it has been killed by now, if it did not end before
		<-m.ended
		if t.Failed() {
			t.Logf("member %d said:\n%s", m.Process.Pid, m.said)
		}
	})
	return m
}

func (m *member) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := m.Process.Signal(s); err != nil {
		t.Fatalf("a member cannot be sent %v, it has ended: %v", s, err)
	}
}

// finish waits for the end of a member and fails unless it is a good one.
func (m *member) finish(t *testing.T) {
	t.Helper()
	select {
	case err := <-m.ended:
		if err != nil {
			t.Errorf("a member ended badly: %v", err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("a member did not end within 2 minutes")
	}
}

func (s *site) sharing(t *testing.T) Options {
	o := s.options(t)
	o.Share, o.SessionTimeout, o.FileAge = true, session, 100*time.Millisecond
	return o
}

// durableCount is how many frames of the topic have a row.
func durableCount(t *testing.T, o Options) (n int) {
	t.Helper()
	durable, err := parquetio.Recover(t.Context(), o.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, offsets := range durable[o.Topic] {
		n += int(offsets.Count())
	}
	return n
}

// judge fails unless each frame of the topic has one row, and those of each stream came in order, whichever member
// wrote them. Files are read in the order in which they appeared (parquetio numbers them).
func (s *site) judge(t *testing.T, o Options) {
	t.Helper()
	rows, disorder := 0, 0
	seen, last := map[string]bool{}, map[string]int64{}
	for _, r := range durableRows(t, o.Out) {
		rows++
		seen[fmt.Sprintf("%d/%d", r.Partition, r.Offset)] = true
		if before, known := last[r.Stream]; known && r.Offset <= before {
			disorder++
		}
		last[r.Stream] = r.Offset
	}
	lost, doubled := s.sent-len(seen), rows-len(seen)
	t.Logf("produced %d, rows %d, lost %d, duplicated %d, out of order %d", s.sent, rows, lost, doubled, disorder)
	if lost+doubled+disorder > 0 {
		t.Error("some are lost, duplicated or out of order")
	}
}

// Members join, leave, die and are paused for longer than their session while frames pour in: no frame is lost and
// none gets two rows, and the rows of a stream come in order.
func TestMembersShareATopicUnderLoad(t *testing.T) {
	if os.Getenv("CACHENET_TEST_SHARE") == "" {
		t.Skip("make test-share runs it")
	}
	s := newSite(t, 12)
	o := s.sharing(t)
	o.UntilEnd = false
	s.fill(t, 24, 50)
	rows := func() int { return durableCount(t, o) }
	grow := func(by int) { // goes on while frames come
		t.Helper()
		goal := rows() + by
		await(t, func() bool { s.fill(t, 24, 5); return rows() > goal })
	}
	a, b := s.join(t, o), s.join(t, o)
	grow(600)
	c := s.join(t, o)
	grow(600)
	a.signal(t, syscall.SIGKILL)
	if err := <-a.ended; err == nil {
		t.Error("the killed member ended well")
	}
	grow(600)
	b.signal(t, syscall.SIGSTOP)
	paused := time.Now()
	await(t, func() bool { return time.Since(paused) > session+2*time.Second })
	grow(600) // by c alone, which has everything by now
	b.signal(t, syscall.SIGCONT)
	d := s.join(t, o)
	grow(600)
	c.signal(t, syscall.SIGTERM)
	c.finish(t)
	grow(600)
	await(t, func() bool { return rows() == s.sent })
	b.signal(t, syscall.SIGTERM)
	d.signal(t, syscall.SIGTERM)
	b.finish(t)
	d.finish(t)
	s.judge(t, o)
}

// With UntilEnd a member stays until the others are done too, and takes over what one of them leaves undone.
func TestMembersEndTogether(t *testing.T) {
	s := newSite(t, 6)
	s.fill(t, 12, 100)
	o := s.sharing(t)
	a, b := s.join(t, o), s.join(t, o)
	b.signal(t, syscall.SIGSTOP) // joined or not: it does nothing from here on
	await(t, func() bool { return durableCount(t, o) == s.sent })
	a.finish(t)
	b.signal(t, syscall.SIGCONT)
	b.finish(t)
	s.judge(t, o)
}
