package parquetio

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// The row with the highest offset of each partition is found in whatever file it is, also where the ledger stands for the footers.
func TestTheLastRowOfEachPartition(t *testing.T) {
	dir := t.TempDir()
	other := row(0, 900)
	other.Topic = "more"
	marked := row(0, 41)
	marked.Stream, marked.EventTime, marked.FrameBytes = "cam-7", time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), 1234
	put(t, dir, "dt=2026-01-02/hour=03", "20260102T030000-a.parquet", append(rowsOf(0, 30, 41), marked)...)
	put(t, dir, "dt=2026-01-02/hour=03", "20260102T030100-a.parquet", rowsOf(0, 10, 20)...) // a restart wrote what was missing
	put(t, dir, "dt=2026-01-01/hour=00", "a.parquet", append(rowsOf(4, 0, 9), other)...)
	late := put(t, dir, "", "c.parquet", rowsOf(5, 1, 2)...)
	age(t, dir, "dt=2026-01-01/hour=00", time.Hour)
	for round := range 2 {
		found, err := Find(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if round == 1 { // between the look at the footers and that at the rows
			if err := os.Remove(late); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := found.Last(t.Context(), "frames")
		if err != nil {
			t.Fatal(err)
		}
		want := []int32{0, 4, 5}[:3-round]
		if got := slices.Sorted(maps.Keys(rows)); !slices.Equal(got, want) {
			t.Errorf("rows of the partitions %v, want %v", got, want)
		}
		if got := rows[0]; got.Offset != 41 || got.Stream != "cam-7" || !got.EventTime.Equal(marked.EventTime) || got.FrameBytes != 1234 {
			t.Errorf("%+v", got)
		}
		if rows[4].Offset != 8 {
			t.Errorf("%+v", rows[4])
		}
	}
	if rows, err := (Found{}).Last(t.Context(), "frames"); len(rows) > 0 || err != nil {
		t.Errorf("without a data set: %v, %v", rows, err)
	}
}

// A file that is damaged is named.
func TestTheLastRowInADamagedFile(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "dt=2026-01-01/hour=00", "a.parquet", rowsOf(0, 0, 9)...)
	found, err := Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("PAR1"), 0o666); err != nil {
		t.Fatal(err)
	}
	var rows map[int32]schemas.Outcome
	if rows, err = found.Last(t.Context(), "frames"); err == nil || len(rows) > 0 {
		t.Errorf("%v from %s", rows, filepath.Base(path))
	}
}
