package parquetio

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/flow"
)

const envVictim = "CACHENET_TEST_VICTIM" // folder into which the test's own binary writes until it is killed

// writeUntilKilled goes on from what is durable, tells on stdout what becomes durable, and never ends by itself.
func writeUntilKilled(dir string) {
	ctx := context.Background()
	out := json.NewEncoder(os.Stdout)
	die := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	flow.Open("victim", 0).OnDurable(func(d flow.Durable) {
		die(out.Encode(Durable{d.Topic: {d.Partition: d.Offsets}}))
	})
	before, err := Recover(ctx, dir)
	die(err)
	w, err := writerOf(ctx, WriteConfig{Job: "victim", Dir: dir, FileAge: time.Millisecond, FileBytes: 50_000})
	die(err)
	for next := before["frames"][0].Next(0); ; next += 16 {
		die(w.add(ctx, rowsOf(0, next, next+16)))
	}
}

// TestKilledAtAnyMoment kills a writing process again and again. What it called durable has to be there, once;
// no file may be damaged, and footers have to tell what files hold.
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
		t.Errorf("footers tell of %d offsets, files hold %d rows", n, len(rows))
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
		t.Errorf("called durable, and not there: %d rows", count(both)-count(found))
	}
	t.Logf("%d rows in %d files", len(rows), len(files(t, dir)))
}
