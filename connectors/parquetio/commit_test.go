package parquetio

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// share starts n writers of one data set, as n processes would have them.
func share(t *testing.T, dir string, n int, cfg WriteConfig) (writers []*writer) {
	t.Helper()
	for i := range n {
		cfg.Job, cfg.Dir, cfg.Shared = fmt.Sprintf("%s-%d", t.Name(), i), dir, true
		w, err := newWriter(t.Context(), cfg.withDefaults(), find(t, cfg.Job))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.close() })
		writers = append(writers, w)
	}
	return writers
}

// Whatever ranges several writers assume they own, each offset gets one row, written by one of them.
func TestSharedWritersNeverDuplicateAnOffset(t *testing.T) {
	dir := t.TempDir()
	writers := share(t, dir, 4, WriteConfig{FileAge: 3 * time.Millisecond, FileBytes: 30_000})
	const partitions, offsets = 3, 500
	var group sync.WaitGroup
	for i, w := range writers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			for p := range int32(partitions) {
				for at := int64(0); at < offsets; at += 50 {
					from := max(0, at-random.Int64N(120)) // goes back, as a resumed reader does
					if err := w.add(t.Context(), rowsOf(p, from, at+50)); err != nil {
						t.Error(err)
					}
					if random.IntN(4) == 0 {
						if err := w.flush(t.Context()); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	group.Wait()
	var left int64
	for _, w := range writers {
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		left += w.commits.left
	}
	var want []schemas.Outcome
	for p := range int32(partitions) {
		want = append(want, rowsOf(p, 0, offsets)...)
	}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Error(diff)
	}
	if left != 3*partitions*offsets {
		t.Errorf("%d rows left out of files, expected those of three writers, %d", left, 3*partitions*offsets)
	}
}

// A process that was paused while another took over must not add rows when it resumes, and learns that its
// offsets are durable, written by the other.
func TestAPausedWriterAddsNoDuplicates(t *testing.T) {
	dir := t.TempDir()
	writers := share(t, dir, 2, WriteConfig{FileAge: time.Hour})
	var told schemas.Offsets
	find(t, t.Name()+"-0").OnDurable(func(d session.Durable) { told.Union(d.Offsets) })
	paused, other := writers[0], writers[1]
	add(t, paused, rowsOf(0, 0, 100)...)
	add(t, other, rowsOf(0, 20, 60)...)
	if err := other.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := paused.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rowsOf(0, 0, 100), read(t, dir)); diff != "" {
		t.Error(diff)
	}
	if paused.commits.left != 40 || told.Count() != 100 {
		t.Errorf("%d rows left out and %d offsets durable, expected 40 and 100", paused.commits.left, told.Count())
	}
	add(t, other, rowsOf(0, 0, 100)...)
	if err := other.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("%d files: an empty one was written", n)
	}
}

// A process that was paused between reading the data set and adding a file finds its number taken, reads the new files, and leaves out
// the rows that they contain.
func TestAnOvertakenCommitIsRetried(t *testing.T) {
	dir := t.TempDir()
	writers := share(t, dir, 2, WriteConfig{FileAge: time.Hour})
	slow, other := newCommits(dir), writers[0]
	late := build(hourOf(noon), writers[1].cfg)
	if err := late.add(rowsOf(0, 0, 100)); err != nil {
		t.Fatal(err)
	}
	f, err := late.finish("late.parquet")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(outcomesFolder(dir), folderOf(f.hour))
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	hour, err := slow.look(f.hour, folder)
	if err != nil {
		t.Fatal(err)
	}
	for from := range int64(3) {
		add(t, other, rowsOf(0, 20*from, 20*from+10)...)
		if err := other.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if added, err := slow.add(hour, f); added || err != nil {
		t.Fatalf("added %v, error %v: the file has offsets of another writer", added, err)
	}
	if err := slow.store(f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rowsOf(0, 0, 100), read(t, dir)); diff != "" {
		t.Error(diff)
	}
	if err := slow.store(f); err != nil || slow.left != 30 || len(files(t, dir)) != 4 {
		t.Errorf("retried: %v, %d rows left out, %d files; want none, 30 and 4", err, slow.left, len(files(t, dir)))
	}
}

func TestSharedAndExclusiveLocksConflict(t *testing.T) {
	dir := t.TempDir()
	refused := func(who string, lock func(dir, topic, group string) (func() error, error), group string) {
		t.Helper()
		if _, err := lock(dir, "frames", group); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("%s got the lock: %v", who, err)
		}
	}
	locks := make(chan func() error, 8)
	var members sync.WaitGroup
	for range cap(locks) { // that start at the same moment
		members.Go(func() {
			unlock, err := LockShared(dir, "frames", "g")
			if err != nil {
				t.Error(err)
				return
			}
			locks <- unlock
		})
	}
	members.Wait()
	close(locks)
	refused("a process that does not share", Lock, "g")
	refused("a sharing process of another group", LockShared, "h")
	for unlock := range locks {
		if err := unlock(); err != nil {
			t.Error(err)
		}
	}
	alone, err := Lock(dir, "frames", "h")
	if err != nil {
		t.Fatal(err)
	}
	refused("a sharing process while an exclusive one runs", LockShared, "h")
	if err := alone(); err != nil {
		t.Error(err)
	}
	later, err := LockShared(dir, "frames", "i")
	if err != nil {
		t.Fatalf("after the others are gone: %v", err)
	}
	if err := later(); err != nil {
		t.Error(err)
	}
}
