//go:build interop

package parquetio

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

// findings is what testdata/interop.py prints for each reader.
type findings struct {
	Rows          int64  `json:"rows"`
	Offsets       int64  `json:"offsets"`
	Hits          int64  `json:"hits"`
	Labels        int64  `json:"labels"`
	Errors        int64  `json:"errors"`
	FirstUs       int64  `json:"first_us"`
	LastUs        int64  `json:"last_us"`
	TimeType      string `json:"time_type"`
	LatencyUs     int64  `json:"latency_us"`
	Streams       int64  `json:"streams"`
	RowsOfOneHour int64  `json:"rows_of_one_hour"`
	RowsInHour    int64  `json:"rows_in_their_hour"`
}

// TestOthersReadOurFiles needs Python with testdata/requirements.txt, named by CACHENET_PYTHON (python3 when unset).
// It reads while a writer has unfinished files, a ledger and a lock, which readers must ignore.
func TestOthersReadOurFiles(t *testing.T) {
	dir := t.TempDir()
	unlock, err := Lock(dir, "frames", "group")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	w := start(t, WriteConfig{Dir: dir, FileBytes: 20_000})
	want := findings{FirstUs: noon.UnixMicro()}
	streams := map[string]bool{}
	for i := range int64(3000) {
		o := row(int32(i%3), i)
		o.EventTime = noon.Add(time.Duration(i) * 5 * time.Second)
		add(t, w, o)
		streams[o.Stream] = true
		want.Rows++
		want.Offsets += i
		want.LatencyUs += o.LatencyUs
		want.LastUs = o.EventTime.UnixMicro()
		switch o.Outcome {
		case schemas.Hit:
			want.Hits++
		case schemas.Error:
			want.Errors++
		}
		if o.Label != "" {
			want.Labels++
		}
		if o.EventTime.Hour() == 12 && o.EventTime.Day() == noon.Day() {
			want.RowsOfOneHour++
		}
	}
	want.Streams, want.RowsInHour = int64(len(streams)), want.Rows
	if err := w.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(partialFolder(dir)+"/half", []byte("PAR1"), 0o666); err != nil {
		t.Fatal(err)
	}
	var got map[string]findings
	if err := json.Unmarshal(python(t, "testdata/interop.py", dir), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 {
		t.Errorf("%d readers", len(got))
	}
	for reader, found := range got {
		if kind := strings.ToLower(found.TimeType); !strings.Contains(kind, "time") || !utc(kind) {
			t.Errorf("%s: event_time is %q, without a zone", reader, found.TimeType)
		}
		found.TimeType = ""
		if diff := gocmp.Diff(want, found); diff != "" {
			t.Errorf("%s: %s", reader, diff)
		}
	}
}

// python runs Python and returns its stdout.
func python(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), cmp.Or(os.Getenv("CACHENET_PYTHON"), "python3"), args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python %s: %v", args[0], err)
	}
	return out
}

// TestWeReadCompactedFiles lets DuckDB replace all files by one, and reads that back.
func TestWeReadCompactedFiles(t *testing.T) {
	dir := t.TempDir()
	w := start(t, WriteConfig{Dir: dir, FileBytes: 20_000})
	add(t, w, rowsOf(1, 0, 1500)...)
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	want := recovered(t, dir)
	python(t, "-c", `
import duckdb, shutil, sys
root = sys.argv[1]
duckdb.connect().execute(f"COPY (FROM read_parquet('{root}/**/*.parquet', hive_partitioning=false)) TO '{root}/all.parquet'")
shutil.rmtree(f"{root}/dt=2026-05-04")`, outcomesFolder(dir))
	if got := recovered(t, dir); got != want {
		t.Errorf("offsets: %s before, %s after", want, got)
	}
	if diff := gocmp.Diff(rowsOf(1, 0, 1500), read(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// utc reports whether a reader's timestamp type has a time zone.
func utc(kind string) bool {
	return strings.Contains(kind, "utc") || strings.Contains(kind, "with time zone")
}
