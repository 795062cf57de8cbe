package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// mount mounts an empty file system of one megabyte (needs root) and returns a function that unmounts it, once.
func mount(t *testing.T, dir string, flags uintptr) (unmount func()) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "size=1m"); err != nil {
		t.Skipf("mount a small disk (needs root): %v", err)
	}
	unmount = sync.OnceFunc(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(unmount)
	return unmount
}

// fillUp leaves no room in the folder.
func fillUp(t *testing.T, dir string) (repair func()) {
	t.Helper()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o666); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

// freeze mounts a read-only file system where files are written before they join the data set: the disk
// itself cannot become read-only while a process has a file of it mapped.
func freeze(t *testing.T, dir string) (repair func()) {
	t.Helper()
	return mount(t, filepath.Join(dir, ".cachenet", "partial"), syscall.MS_RDONLY)
}

// Writes fail while frames come in: the run logs it once, gives up after --disk-wait with the reason and
// what to do, and loses nothing: once there is room the next run answers the frames without a row.
func TestDiskErrors(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, dir string) (repair func())
		reason string
	}{
		"full":      {fillUp, "no space left on device"},
		"read-only": {freeze, "read-only file system"},
	} {
		t.Run(name, func(t *testing.T) {
			out, addr := t.TempDir(), embedded(t)
			mount(t, out, 0)
			produce := []string{"produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "4", "--frames", "100", "--active", "2"}
			run := []string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out}
			mustRun(t, produce...)
			p := start(t, append(run, "--file-age", "50ms", "--disk-wait", "1s")...)
			eventually(t, "the first frames have rows", func() bool { return onDisk(t, out) == 400 })
			repair := c.spoil(t, out)
			mustRun(t, produce...)
			if code := p.exit(t); code != 1 {
				t.Errorf("exit code %d", code)
			}
			said := p.said(t)
			if got := lines(said, "level=WARN"); len(got) != 1 || !strings.Contains(got[0], c.reason) {
				t.Errorf("warnings: %q", got)
			}
			last := lines(said, "cachenet: ")
			if len(last) != 1 || !strings.HasSuffix(said, last[0]) || !strings.Contains(last[0], c.reason) || !strings.Contains(last[0], "start again") {
				t.Errorf("last line: %q of %s", last, said)
			}
			rows := onDisk(t, out)
			if rows >= inTopic(t, addr) {
				t.Fatalf("%d rows: no write failed", rows)
			}
			committed, err := kafkaio.CommittedOffsets(t.Context(), kafkaio.Cluster{Brokers: []string{addr}}, "g", "frames")
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			for _, next := range committed {
				sum += next
			}
			if sum != rows {
				t.Errorf("%d offsets committed, %d rows on disk", sum, rows)
			}
			repair()
			mustRun(t, append(run, "--until-end")...)
			checkRows(t, addr, out)
			t.Logf("%d frames had rows, %d followed; output: %s", rows, inTopic(t, addr)-rows, last[0])
		})
	}
}

// A disk that is full before a run has written anything is waited for too; after --disk-wait the run says why and what to do.
func TestADiskThatIsFullAtTheStart(t *testing.T) {
	out, addr := t.TempDir(), embedded(t)
	mount(t, out, 0)
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "4", "--frames", "100", "--active", "2")
	run := []string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out, "--until-end"}
	repair := fillUp(t, out)
	impatient := start(t, append(run, "--disk-wait", "200ms")...)
	if code := impatient.exit(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
	last := lines(impatient.said(t), "cachenet: ")
	if len(last) != 1 || !strings.Contains(last[0], "no space left on device") || !strings.Contains(last[0], "free disk space") {
		t.Errorf("it said %q", last)
	}
	patient := start(t, run...)
	eventually(t, "the run says that it waits", func() bool { return len(lines(patient.said(t), "the data set cannot be written")) == 1 })
	repair()
	if code := patient.exit(t); code != 0 {
		t.Errorf("exit code %d: %s", code, patient.said(t))
	}
	checkRows(t, addr, out)
}
