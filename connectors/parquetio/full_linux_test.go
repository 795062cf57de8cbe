package parquetio

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// smallDisk mounts a file system of half a megabyte (needs root).
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("mount a small disk (needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill fills the disk and returns the file that does so.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o666); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("disk is not full: %v", err)
	}
	return path
}

func TestAFullDisk(t *testing.T) {
	heard, said := durable(t, t.Name()), logged(t)
	w := start(t, WriteConfig{Dir: smallDisk(t), FileAge: time.Millisecond})
	ballast := fill(t, w.cfg.Dir)
	add(t, w, rowsOf(0, 0, 100)...)
	until(t, "the writer logs that it cannot write", func() bool { return strings.Contains(said(), "no space left") })
	if n := count(heard()); n != 0 {
		t.Errorf("%d rows reported as durable on a full disk", n)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(rowsOf(0, 0, 100), read(t, w.cfg.Dir)); diff != "" {
		t.Error(diff)
	}
}

func TestADiskThatBecomesReadOnly(t *testing.T) {
	dir := smallDisk(t)
	w := start(t, WriteConfig{Dir: dir, FileAge: time.Millisecond, GiveUp: 100 * time.Millisecond})
	add(t, w, rowsOf(0, 0, 100)...)
	if err := w.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	add(t, w, rowsOf(0, 100, 200)...)
	if err := end(t.Name()); !errors.Is(err, syscall.EROFS) {
		t.Errorf("error: %v", err)
	}
	if diff := gocmp.Diff(rowsOf(0, 0, 100), read(t, dir)); diff != "" {
		t.Error(diff)
	}
	if _, err := Lock(dir, "frames", "x"); err == nil {
		t.Error("locked a folder that cannot be written to")
	}
}
