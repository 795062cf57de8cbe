package parquetio

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

// asJSON makes offsets comparable.
func asJSON(t testing.TB, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func recovered(t *testing.T, dir string) string {
	t.Helper()
	d, err := Recover(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return asJSON(t, d)
}

// put writes rows as one file into a folder under outcomes/ and returns its path.
func put(t testing.TB, dir, folder, name string, rows ...schemas.Outcome) string {
	t.Helper()
	b := build(0, WriteConfig{})
	if err := b.add(rows); err != nil {
		t.Fatal(err)
	}
	f, err := b.finish(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(outcomesFolder(dir), folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f.data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// age sets the folder's modification time into the past.
func age(t *testing.T, dir, folder string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(filepath.Join(outcomesFolder(dir), folder), at, at); err != nil {
		t.Fatal(err)
	}
}

func TestRecoverNothing(t *testing.T) {
	if got := recovered(t, filepath.Join(t.TempDir(), "missing")); got != "{}" {
		t.Error(got)
	}
}

func TestRecoverAddsUpTheFooters(t *testing.T) {
	dir := t.TempDir()
	other := row(0, 7)
	other.Topic = "more"
	put(t, dir, "dt=2026-01-01/hour=00", "a.parquet", rowsOf(0, 0, 10)...)
	put(t, dir, "dt=2026-01-01/hour=00", "b.parquet", rowsOf(0, 10, 12)...)
	put(t, dir, "dt=2026-01-02/hour=05", "a.parquet", rowsOf(0, 20, 22)...)
	put(t, dir, "", "c.parquet", append(rowsOf(4, 1, 2), other)...)
	want := `{"frames":{"0":[[0,12],[20,22]],"4":[[1,2]]},"more":{"0":[[7,8]]}}`
	for range 2 {
		if got := recovered(t, dir); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestLedgerIsNeverWrong changes a data set in every way an analyst may, and compares a recovery that has a
// ledger with one that has none.
func TestLedgerIsNeverWrong(t *testing.T) {
	if err := flag.Set("rapid.checks", "10"); err != nil { // every step writes to the disk
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		next := int64(0)
		var paths []string
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) {
				folder := fmt.Sprintf("dt=2026-01-01/hour=%02d", rapid.IntRange(0, 3).Draw(rt, "hour"))
				paths = append(paths, put(t, dir, folder, fmt.Sprint(next, ".parquet"), rowsOf(0, next, next+3)...))
				next += 4
			},
			"remove": func(rt *rapid.T) {
				if len(paths) == 0 {
					rt.Skip()
				}
				i := rapid.IntRange(0, len(paths)-1).Draw(rt, "file")
				if err := os.Remove(paths[i]); err != nil {
					rt.Fatal(err)
				}
				paths = append(paths[:i], paths[i+1:]...)
			},
			"forget": func(rt *rapid.T) {
				if err := os.RemoveAll(ledgerFile(dir)); err != nil {
					rt.Fatal(err)
				}
			},
			"wait": func(rt *rapid.T) { // every folder becomes old enough for the ledger to be trusted
				for hour := range 4 {
					folder := filepath.Join(outcomesFolder(dir), fmt.Sprintf("dt=2026-01-01/hour=%02d", hour))
					if info, err := os.Stat(folder); err == nil {
						at := info.ModTime().Add(-2 * settled)
						if err := os.Chtimes(folder, at, at); err != nil {
							rt.Fatal(err)
						}
					}
				}
			},
			"": func(rt *rapid.T) {
				want := Durable{}
				for _, path := range paths {
					held, err := footer(path)
					if err != nil {
						rt.Fatal(err)
					}
					want.union(held)
				}
				got, err := Recover(t.Context(), dir)
				if err != nil {
					rt.Fatal(err)
				}
				if asJSON(t, got) != asJSON(t, want) {
					rt.Fatalf("got  %s\nwant %s", asJSON(t, got), asJSON(t, want))
				}
			},
		})
	})
}

// TestOldFoldersAreNotReadAgain makes the files of an old folder unreadable once the ledger lists them.
func TestOldFoldersAreNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	const old = "dt=2026-01-01/hour=00"
	path := put(t, dir, old, "a.parquet", rowsOf(0, 0, 10)...)
	age(t, dir, old, 2*settled)
	want := recovered(t, dir)
	if err := os.WriteFile(path, []byte("not Parquet"), 0o666); err != nil { // changes the file, not the folder
		t.Fatal(err)
	}
	if got := recovered(t, dir); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	age(t, dir, old, time.Hour) // touched: it is read again, and the damage is found
	if _, err := Recover(t.Context(), dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error: %v", err)
	}
}

// A start after a job that ran for months reads no more than any other.
func TestALongJobKeepsTheLedger(t *testing.T) {
	const old = "dt=2026-01-01/hour=00"
	w := start(t, WriteConfig{FileAge: time.Millisecond, LedgerAge: time.Nanosecond})
	put(t, w.cfg.Dir, old, "a.parquet", rowsOf(1, 0, 10)...) // as if written by this job long ago
	age(t, w.cfg.Dir, old, 2*settled)
	add(t, w, rowsOf(0, 0, 10)...)
	until(t, "the ledger knows the old hour", func() bool { return readLedger(w.cfg.Dir)[old].Offsets.any() })
}

func TestADamagedLedgerIsRebuilt(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "dt=2026-01-01/hour=00", "a.parquet", rowsOf(0, 0, 10)...)
	age(t, dir, "dt=2026-01-01/hour=00", 2*settled)
	want := recovered(t, dir)
	for _, text := range []string{"", "{", "null", `[]`, `{"dt=2026-01-01/hour=00":{"modified":5,"offsets":{"frames":{"0":[[0,99]]}}}}`} {
		if err := os.WriteFile(ledgerFile(dir), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := recovered(t, dir); got != want {
			t.Errorf("ledger %q: got %s, want %s", text, got, want)
		}
		if known := readLedger(dir); len(known) != 1 {
			t.Errorf("ledger %q was not replaced: %v", text, known)
		}
	}
}

func TestThousandsOfFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("writes thousands of files")
	}
	dir := t.TempDir()
	const hours, each = 20, 150
	for hour := range int64(hours) {
		first := put(t, dir, folderOf(hour), "first.parquet", rowsOf(int32(hour%3), hour*10, hour*10+2)...)
		for i := range each - 1 { // hard links: 3,000 different files would be slow and test nothing more
			if err := os.Link(first, filepath.Join(filepath.Dir(first), fmt.Sprint(i, ".parquet"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for hour := range int64(hours) {
		age(t, dir, folderOf(hour), 2*settled)
	}
	want := recovered(t, dir)
	for hour := range int64(hours) { // from here on a footer that is read is an error
		if err := os.Truncate(filepath.Join(outcomesFolder(dir), folderOf(hour), "first.parquet"), 0); err != nil {
			t.Fatal(err)
		}
	}
	got := recovered(t, dir)
	if got != want {
		t.Error("the ledger changes the answer")
	}
	var d Durable
	if err := json.Unmarshal([]byte(got), &d); err != nil || count(d) != 2*hours {
		t.Errorf("%d offsets: %v", count(d), err)
	}
}

// TestFilesOfOtherTools reads a compacted file as another tool would write it: other types, without our metadata.
func TestFilesOfOtherTools(t *testing.T) {
	type foreign struct {
		Offset    *int64  `parquet:"offset,optional"`
		Topic     *string `parquet:"topic,optional"`
		Partition *int32  `parquet:"partition,optional"`
		Label     *string `parquet:"label,optional"`
		EventTime *int64  `parquet:"event_time,optional,timestamp(microsecond)"`
	}
	at := noon.UnixMicro()
	topic, label, partition := "frames", "cat", int32(2)
	var rows []foreign
	for i := range int64(5) {
		rows = append(rows, foreign{Offset: &i, Topic: &topic, Partition: &partition, Label: &label, EventTime: &at})
	}
	dir := t.TempDir()
	if err := prepare(dir); err != nil {
		t.Fatal(err)
	}
	if err := parquet.WriteFile(filepath.Join(outcomesFolder(dir), "all.parquet"), rows); err != nil {
		t.Fatal(err)
	}
	if got, want := recovered(t, dir), `{"frames":{"2":[[0,5]]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for i, r := range read(t, dir) {
		want := schemas.Outcome{Topic: "frames", Partition: 2, Offset: int64(i), Label: "cat", EventTime: noon}
		if diff := gocmp.Diff(want, r); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "dt=2026-01-01/hour=00", "a.parquet", rowsOf(0, 0, 100)...)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 3, 8, 11, len(whole) / 2, len(whole) - 9, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Recover(t.Context(), dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		for _, err := range Rows(t.Context(), dir) {
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
		}
	}
}

func TestOnlyAbandonedPartialFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := prepare(dir); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(partialFolder(dir), "old"), filepath.Join(partialFolder(dir), "young")
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, []byte("PAR1"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now().Add(-2 * stale)
	if err := os.Chtimes(old, at, at); err != nil {
		t.Fatal(err)
	}
	recovered(t, dir)
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("old partial: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("young partial: %v", err)
	}
}

func TestLockExcludesASecondWriter(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir, "frames", "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"a", "b"} {
		if _, err := Lock(dir, "frames", group); err == nil || !strings.Contains(err.Error(), `another process writes the rows of topic "frames" there, as group "a"`) {
			t.Errorf("second lock, of group %s: %v", group, err)
		}
	}
	other, err := Lock(dir, "others", "a")
	if err != nil {
		t.Errorf("another topic: %v", err)
	}
	for _, f := range []func() error{unlock, other} {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
	if unlock, err = Lock(dir, "frames", "b"); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestAnUnusableFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path, "frames", "x"); err == nil || !strings.Contains(err.Error(), "choose a folder") {
		t.Errorf("lock: %v", err)
	}
	if _, err := writerOf(t.Context(), WriteConfig{Job: t.Name(), Dir: path}); err == nil {
		t.Error("a writer was opened in an unusable folder")
	}
}

func FuzzFile(f *testing.F) {
	seed, err := os.ReadFile(put(f, f.TempDir(), "", "a.parquet", rowsOf(0, 0, 20)...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		_, _ = footer(path) // must not panic; the bytes may or may not be valid
		for _, err := range fileRows[schemas.Outcome](path) {
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("error does not name the file: %v", err)
			}
		}
	})
}

// A day that was moved to another disk, or the whole folder of outcomes, counts through the link that is left in its
// place: else its frames would be read again.
func TestFoldersThatAreLinked(t *testing.T) {
	for _, linked := range []string{"", "dt=2026-01-02", "dt=2026-01-02/hour=03"} {
		dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "moved")
		put(t, dir, "dt=2026-01-01/hour=00", "a.parquet", row(0, 0))
		put(t, dir, "dt=2026-01-02/hour=03", "b.parquet", row(0, 1))
		want := recovered(t, dir)
		if err := os.RemoveAll(privateFolder(dir)); err != nil { // what the first scan noted
			t.Fatal(err)
		}
		at := filepath.Join(outcomesFolder(dir), linked)
		if err := os.Rename(at, elsewhere); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(elsewhere, at); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("nobody@host", filepath.Join(outcomesFolder(dir), ".#lock")); err != nil {
			t.Fatal(err)
		}
		if got := recovered(t, dir); got != want {
			t.Errorf("%q linked: recovered %s, want %s", linked, got, want)
		}
		n := 0
		for _, err := range Rows(t.Context(), dir) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 2 {
			t.Errorf("%q linked: %d rows, want 2", linked, n)
		}
		if err := os.Symlink(".", filepath.Join(outcomesFolder(dir), "circle")); err != nil {
			t.Fatal(err)
		}
		if _, err := Recover(t.Context(), dir); err == nil {
			t.Errorf("%q linked: a circle of links was recovered", linked)
		}
	}
}
