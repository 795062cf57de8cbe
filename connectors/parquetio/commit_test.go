package parquetio

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/flow"
	"github.com/cachenet/cachenet/schemas"
)

// share starts n writers of one data set, as n processes would have them.
func share(t *testing.T, dir string, n int, cfg WriteConfig) (writers []*writer) {
	t.Helper()
	for i := range n {
		cfg.Job, cfg.Dir, cfg.Shared = fmt.Sprintf("%s-%d", t.Name(), i), dir, true
		flow.Open(cfg.Job, 0)
		w, err := newWriter(t.Context(), cfg.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.close() })
		writers = append(writers, w)
	}
	return writers
}

// Whatever several writers believe to own, each offset gets one row, and the row is that of one of them.
func TestSharedWritersNeverDoubleAnOffset(t *testing.T) {
	dir := t.TempDir()
	writers := share(t, dir, 4, WriteConfig{FileAge: 3 * time.Millisecond, FileBytes: 30_000})
	const partitions, offsets = 3, 500
	var group sync.WaitGroup
	for i, w := range writers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			for p := range int32(partitions) {
				for at := int64(0); at < offsets; at += 50 {
					from := max(0, at-random.Int64N(120)) // goes back, as a reader does that resumes
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

// A process that was paused while another took over must not add rows when it goes on, and is told that its
// offsets are durable: they are, by the other.
func TestAPausedWriterComesTooLate(t *testing.T) {
	dir := t.TempDir()
	writers := share(t, dir, 2, WriteConfig{FileAge: time.Hour})
	var told schemas.Offsets
	flow.For(t.Name() + "-0").OnDurable(func(d flow.Durable) { told.Union(d.Offsets) })
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
		t.Errorf("%d files: one without rows was written", n)
	}
}

// A process that hangs while it holds the lock stops the others' commits; they say so and go on when it is gone.
func TestACommitWaitsForTheLock(t *testing.T) {
	dir := t.TempDir()
	w := share(t, dir, 1, WriteConfig{})[0]
	holder := flock.New(filepath.Join(privateFolder(dir), "commit.lock"))
	if err := holder.Lock(); err != nil {
		t.Fatal(err)
	}
	add(t, w, rowsOf(0, 0, 10)...)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.flush(short); err == nil {
		t.Fatal("a flush ended while another held the lock")
	}
	if n := len(files(t, dir)); n != 0 {
		t.Fatalf("%d files appeared while another held the lock", n)
	}
	if err := holder.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := w.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, dir)); n != 10 {
		t.Errorf("%d of 10 rows", n)
	}
}

func TestSharersAndOthersKeepEachOtherOut(t *testing.T) {
	dir := t.TempDir()
	one, err := LockShared(dir, "g")
	if err != nil {
		t.Fatal(err)
	}
	two, err := LockShared(dir, "g")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir, "g"); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a process that does not share got in: %v", err)
	}
	if err := one(); err != nil {
		t.Error(err)
	}
	if err := two(); err != nil {
		t.Error(err)
	}
	alone, err := Lock(dir, "g")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockShared(dir, "g"); err == nil {
		t.Error("a sharer got in beside a process that does not share")
	}
	if err := alone(); err != nil {
		t.Error(err)
	}
}
