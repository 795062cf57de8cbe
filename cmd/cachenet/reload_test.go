package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// otherVersion makes dir/version of a pack, where only the version differs.
func otherVersion(t *testing.T, pack, dir, before, version string) {
	t.Helper()
	to := filepath.Join(dir, version)
	if err := os.CopyFS(to, os.DirFS(pack)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to, "manifest.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"version": "`+before+`"`, `"version": "`+version+`"`, 1)
	if err := os.WriteFile(path, []byte(changed), 0o666); err != nil {
		t.Fatal(err)
	}
}

// current makes dir/current lead to a version.
func current(t *testing.T, dir, version string) string {
	t.Helper()
	link, next := filepath.Join(dir, "current"), filepath.Join(dir, "next")
	if err := os.Symlink(version, next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// packOf returns the pack to reload, with its version: a small one, or what CACHENET_TEST_PACK names, with its version behind an @.
func packOf() (dir, version string) {
	if dir, version, ok := strings.Cut(os.Getenv("CACHENET_TEST_PACK"), "@"); ok {
		return dir, version
	}
	return coloursPack, "1.0.0"
}

// SIGHUP makes a run take the new version of its pack while frames come: each frame has one row, of one version or the
// other, and the run goes on. With -v the longest time without a row is printed, for docs/packs.md.
func TestSIGHUPReloadsThePack(t *testing.T) {
	addr, out, packs := embedded(t), t.TempDir(), t.TempDir()
	pack, version := packOf()
	otherVersion(t, pack, packs, version, "9.0.1")
	otherVersion(t, pack, packs, version, "9.0.2")
	link := current(t, packs, "9.0.1")
	produce := start(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "20", "--frames", "250", "--rate", "50")
	eventually(t, "the topic", func() bool { n, err := countFrames(t.Context(), addr); return err == nil && n > 0 })
	run := start(t, "run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", link, "--out", out, "--file-age", "100ms")
	eventually(t, "rows of the old version", func() bool { return onDisk(t, out) > 500 })
	if err := run.Process.Signal(syscall.SIGHUP); err != nil { // the same version: nothing changes
		t.Fatal(err)
	}
	eventually(t, "an answer to SIGHUP", func() bool { return strings.Contains(run.said(t), "same version") })
	current(t, packs, "9.0.2")
	if err := run.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if code := produce.exit(t); code != 0 {
		t.Fatalf("produce: %d: %s", code, produce.said(t))
	}
	eventually(t, "all rows", func() bool { return onDisk(t, out) == 5000 })
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := run.exit(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, run.said(t))
	}
	rows := checkRows(t, addr, out)
	by := map[string]int{}
	for _, row := range rows {
		_, v, _ := strings.Cut(row.Pack, "@")
		by[v]++
	}
	if by["9.0.1"] < 500 || by["9.0.2"] == 0 || by["9.0.1"]+by["9.0.2"] != 5000 {
		t.Errorf("rows by version: %v", by)
	}
	pause, before := gap(rows)
	t.Logf("longest time without a row around the reload: %v; before it %v; %v", pause, before, by)
}

// gap returns the time from the last row of the first version to the first row of the second one, and the longest time between
// two rows of the first version after its first 500.
func gap(rows []schemas.Outcome) (reload, usual time.Duration) {
	emitted := func(o schemas.Outcome) int64 { return o.EventTime.UnixMicro() + o.LatencyUs }
	slices.SortFunc(rows, func(a, b schemas.Outcome) int { return cmp.Compare(emitted(a), emitted(b)) })
	for i := 500; i < len(rows); i++ {
		between := time.Duration(emitted(rows[i])-emitted(rows[i-1])) * time.Microsecond
		if rows[i].Pack != rows[i-1].Pack {
			return between, usual
		}
		usual = max(usual, between)
	}
	return 0, usual
}
