package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/cachenet/cachenet/schemas"
)

func TestLastTrouble(t *testing.T) {
	dir := t.TempDir()
	row := func(stream string, offset int64, outcome, label, truth string) schemas.Outcome {
		return schemas.Outcome{Stream: stream, Topic: "frames", Offset: offset, Outcome: outcome, Label: label, Truth: truth}
	}
	rows := []schemas.Outcome{
		row("wrong", 5, schemas.Hit, "cat", "dog"), row("wrong", 4, schemas.Hit, "cat", "dog"), row("wrong", 6, schemas.Miss, "cat", "cat"),
		row("missed", 7, schemas.Miss, "cat", ""), row("missed", 8, schemas.Hit, "cat", ""),
		row("well", 9, schemas.Hit, "cat", "cat"), row("well", 10, schemas.Same, "cat", "cat"), row("failed", 11, schemas.Error, "", ""),
	}
	folder := filepath.Join(dir, "outcomes", "dt=2026-05-04", "hour=12")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := parquet.WriteFile(filepath.Join(folder, "a.parquet"), rows); err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[string]int64{"wrong": 5, "missed": 7, "well": 10, "failed": 11} {
		if got, err := LastTrouble(t.Context(), dir, stream); err != nil || got != want {
			t.Errorf("%s: offset %d, %v; want %d", stream, got, err, want)
		}
	}
	if _, err := LastTrouble(t.Context(), dir, "none"); err == nil {
		t.Error("a stream without rows")
	}
}
