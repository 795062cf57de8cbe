package parquetio

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
)

// Folder into which the test's own binary writes until it is killed: as the only writer, or as one of several.
const (
	envVictim = "CACHENET_TEST_VICTIM"
	envSharer = "CACHENET_TEST_SHARER"
)

// writeUntilKilled continues after what is durable, prints on stdout what becomes durable, and never ends by itself.
func writeUntilKilled(dir string, shared bool) {
	ctx := context.Background()
	out := json.NewEncoder(os.Stdout)
	die := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	victim := session.Open("victim", 0)
	victim.OnDurable(func(d session.Durable) {
		die(out.Encode(Durable{d.Topic: {d.Partition: d.Offsets}}))
	})
	before, err := Recover(ctx, dir)
	die(err)
	w, err := writerOf(ctx, WriteConfig{Job: victim.ID(), Dir: dir, FileAge: time.Millisecond, FileBytes: 50_000, Shared: shared})
	die(err)
	for next := before["frames"][0].Next(0); ; next += 16 {
		die(w.add(ctx, rowsOf(0, next, next+16)))
	}
}

// TestKilledAtAnyMoment repeatedly kills a writing process. What it reported as durable must be there, once;
// no file may be damaged, and footers must list what files contain.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	told := Durable{}
	for range 12 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), envVictim+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := 1 + rand.IntN(6) // files to let through
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var d Durable
			if json.Unmarshal(lines.Bytes(), &d) == nil { // the last line may be cut
				told.union(d)
			}
			if n == stop {
				time.AfterFunc(rand.N(5*time.Millisecond), func() { _ = cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}
	}
	found, err := Recover(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	rows := read(t, dir)
	if n := count(found); n == 0 || n != int64(len(rows)) {
		t.Errorf("footers list %d offsets, files have %d rows", n, len(rows))
	}
	for _, r := range rows {
		if !found[r.Topic][r.Partition].Contains(r.Offset) {
			t.Errorf("offset %d is in a file and in no footer", r.Offset)
		}
	}
	both := Durable{}
	both.union(found)
	both.union(told)
	if count(both) != count(found) {
		t.Errorf("reported as durable, but missing: %d rows", count(both)-count(found))
	}
	t.Logf("%d rows in %d files", len(rows), len(files(t, dir)))
}

// TestSharedWritersStoppedAtAnyMoment lets three processes write the same offsets, and pauses or kills one after the other
// at random moments. The others must continue meanwhile; no offset may get two rows, and the rows of a stream must
// be in order.
func TestSharedWritersStoppedAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	sharers := make([]*exec.Cmd, 3)
	start := func(i int) {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), envSharer+"="+dir)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		sharers[i] = c
	}
	for i := range sharers {
		start(i)
	}
	signal := func(c *exec.Cmd, s syscall.Signal) {
		t.Helper()
		if err := c.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 12 {
		await(t, dir, int64(rand.IntN(100)))
		c := sharers[round%3]
		if round%5 == 4 {
			signal(c, syscall.SIGKILL)
			if err := c.Wait(); err == nil {
				t.Error("a killed process exited with 0")
			}
			start(round % 3)
			continue
		}
		signal(c, syscall.SIGSTOP)
		await(t, dir, 200)
		signal(c, syscall.SIGCONT)
	}
	for _, c := range sharers {
		signal(c, syscall.SIGKILL)
		_ = c.Wait() // killed
	}
	last := map[string]int64{}
	var rows int64
	for o, err := range Rows(t.Context(), dir) { // in the order of their numbers
		if err != nil {
			t.Fatal(err)
		}
		if before, known := last[o.Stream]; known && o.Offset != before+5 {
			t.Errorf("%s: offset %d follows %d", o.Stream, o.Offset, before)
		}
		last[o.Stream] = o.Offset
		rows++
	}
	t.Logf("%d rows in %d files", rows, len(files(t, dir)))
}

// await returns when the data set has more rows than at the call.
func await(t *testing.T, dir string, more int64) {
	t.Helper()
	var goal int64
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		found, err := Recover(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		n := count(found)
		switch {
		case goal == 0:
			goal = n + more
		case n >= goal:
			return
		case time.Now().After(deadline):
			t.Fatalf("no more than %d rows within a minute", n)
		}
	}
}
