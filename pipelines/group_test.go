package pipelines

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// shortestSession is the shortest session timeout that brokers accept.
const shortestSession = 6 * time.Second

// member is a process of a consumer group.
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
	t.Cleanup(func() { // by now it has ended or been killed
		<-m.ended
		if t.Failed() {
			t.Logf("output of member %d:\n%s", m.Process.Pid, m.said)
		}
	})
	return m
}

func (m *member) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := m.Process.Signal(s); err != nil {
		t.Fatalf("a member cannot be sent %v: it has ended: %v", s, err)
	}
}

// finish waits for the end of a member and fails unless it exits with 0.
func (m *member) finish(t *testing.T) {
	t.Helper()
	select {
	case err := <-m.ended:
		if err != nil {
			t.Errorf("a member failed: %v", err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("a member did not end within 2 minutes")
	}
}

func (s *site) sharing(t *testing.T) Options {
	o := s.options(t)
	o.Share, o.SessionTimeout, o.FileAge = true, shortestSession, 100*time.Millisecond
	o.Full = FullInline // otherwise a miss is answered after the step that keeps the order
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

// judge fails unless each frame of the topic has one row, and each job answered those of a stream in order.
func (s *site) judge(t *testing.T, o Options) {
	t.Helper()
	rows, disorder := 0, 0
	seen := map[string]bool{}
	streams := map[[2]string][]schemas.Outcome{} // by job and stream
	for path, job := range s.jobs(t, o.Out) {
		file, err := parquet.ReadFile[schemas.Outcome](path)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range file {
			rows++
			seen[fmt.Sprintf("%d/%d", r.Partition, r.Offset)] = true
			streams[[2]string{job, r.Stream}] = append(streams[[2]string{job, r.Stream}], r)
		}
	}
	answered := func(r schemas.Outcome) time.Time {
		return r.EventTime.Add(time.Duration(r.LatencyUs) * time.Microsecond)
	}
	for _, stream := range streams {
		slices.SortFunc(stream, func(a, b schemas.Outcome) int { return cmp.Compare(a.Offset, b.Offset) })
		for i := range stream[1:] {
			if answered(stream[i+1]).Before(answered(stream[i])) {
				disorder++
			}
		}
	}
	lost, doubled := s.sent-len(seen), rows-len(seen)
	t.Logf("produced %d, rows %d, lost %d, duplicated %d, out of order %d", s.sent, rows, lost, doubled, disorder)
	if lost+doubled+disorder > 0 {
		t.Error("some are lost, duplicated or out of order")
	}
}

// jobs returns the job that wrote each file of the data set.
func (s *site) jobs(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "outcomes", "*", "*", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	jobs := map[string]string{}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		file, err := parquet.OpenFile(f, info.Size())
		if err != nil {
			t.Fatal(err)
		}
		job, told := file.Lookup("cachenet.job")
		if !told {
			t.Fatalf("%s does not say which job wrote it", path)
		}
		jobs[path] = job
	}
	return jobs
}

// Members join, leave, die and are paused for longer than their session timeout under load: no frame is lost and
// none is duplicated, and each stream is answered in order.
func TestMembersShareATopicUnderLoad(t *testing.T) {
	if os.Getenv("CACHENET_TEST_SHARE") == "" {
		t.Skip("make test-share runs it")
	}
	s := newSite(t, 12)
	o := s.sharing(t)
	o.UntilEnd = false
	s.fill(t, 24, 50)
	rows := func() int { return durableCount(t, o) }
	grow := func(by int) { // runs while frames arrive
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
		t.Error("the killed member exited with 0")
	}
	grow(600)
	b.signal(t, syscall.SIGSTOP)
	paused := time.Now()
	await(t, func() bool { return time.Since(paused) > shortestSession+2*time.Second })
	grow(600) // by c alone, which has all partitions by now
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

// With UntilEnd a member stays until the others are done too, and takes over what one of them leaves unfinished.
func TestMembersEndTogether(t *testing.T) {
	s := newSite(t, 6)
	s.fill(t, 12, 100)
	o := s.sharing(t)
	a, b := s.join(t, o), s.join(t, o)
	b.signal(t, syscall.SIGSTOP) // joined or not, it does nothing from here on
	await(t, func() bool { return durableCount(t, o) == s.sent })
	a.finish(t)
	b.signal(t, syscall.SIGCONT)
	b.finish(t)
	s.judge(t, o)
}
