package parquetio

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/cachenet/cachenet/schemas"
)

// olderOutcome is a row as written before hits were audited.
type olderOutcome struct {
	Stream    string    `parquet:"stream,dict"`
	Topic     string    `parquet:"topic,dict"`
	Partition int32     `parquet:"partition"`
	Offset    int64     `parquet:"offset,delta"`
	EventTime time.Time `parquet:"event_time,timestamp(microsecond)"`
	Outcome   string    `parquet:"outcome,dict"`
	Label     string    `parquet:"label,optional,dict"`
	FullUs    float32   `parquet:"full_us"`
}

// A file without audit columns is read as rows that were not audited, also next to files that have them.
func TestRowsReadsFilesWithoutAuditColumns(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(outcomesFolder(dir), "dt=2026-05-04", "hour=12")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	older := []olderOutcome{{Stream: "cam", Topic: "frames", Offset: 7, EventTime: noon, Outcome: schemas.Hit, Label: "cat", FullUs: 2}}
	newer := row(0, 1)
	newer.Audited, newer.AuditLabel, newer.AuditRate = true, "dog", 0.01
	if err := parquet.WriteFile(filepath.Join(folder, "b.parquet"), older); err != nil {
		t.Fatal(err)
	}
	if err := parquet.WriteFile(filepath.Join(folder, "a.parquet"), []schemas.Outcome{newer}); err != nil {
		t.Fatal(err)
	}
	var got []schemas.Outcome
	for o, err := range Rows(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o)
	}
	if len(got) != 2 || !got[0].Audited || got[0].AuditLabel != "dog" || got[0].AuditRate != 0.01 {
		t.Fatalf("%+v", got)
	}
	if o := got[1]; o.Offset != 7 || o.Label != "cat" || o.FullUs != 2 || o.Audited || o.AuditLabel != "" || o.AuditRate != 0 {
		t.Errorf("%+v", o)
	}
}
