package parquetio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
)

// BenchmarkAdd adds runs of 16 rows. A row of an answered frame costs no allocation; what is left is a file's: its buffers,
// footer and list of offsets.
func BenchmarkAdd(b *testing.B) {
	w, err := writerOf(b.Context(), WriteConfig{Job: b.Name(), Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	run := rowsOf(0, 0, 16)
	for i := range run {
		if run[i].Outcome == schemas.Error {
			run[i] = row(0, 0)
		}
	}
	var offset int64
	b.ReportAllocs()
	for b.Loop() {
		for i := range run {
			run[i].Offset = offset
			offset++
		}
		if err := w.add(b.Context(), run); err != nil {
			b.Fatal(err)
		}
	}
	if err := end(b.Name()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(offset)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkFlush measures a bundle on runners that need its rows on disk.
func BenchmarkFlush(b *testing.B) {
	w, err := writerOf(b.Context(), WriteConfig{Job: b.Name(), Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	var offset int64
	for b.Loop() {
		if err := w.add(b.Context(), rowsOf(0, offset, offset+16)); err != nil {
			b.Fatal(err)
		}
		offset += 16
		if err := w.flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if err := end(b.Name()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRows(b *testing.B) {
	dir := b.TempDir()
	w, err := writerOf(b.Context(), WriteConfig{Job: b.Name(), Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.add(b.Context(), rowsOf(0, 0, 200_000)); err != nil {
		b.Fatal(err)
	}
	if err := end(b.Name()); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		for _, err := range Rows(b.Context(), dir) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkRecover measures a start: with files that are not in the ledger, and with files that are, in
// past hours. 20 files an hour; the rest of the cost is that of a year of hour folders.
func BenchmarkRecover(b *testing.B) {
	const perHour = 20
	for _, files := range []int{10, 1000, 5000, 50_000} {
		dir := b.TempDir()
		old := time.Now().Add(-time.Hour)
		for i := range files {
			folder := folderOf(hourOf(noon) + int64(i/perHour))
			put(b, dir, folder, fmt.Sprintf("%d.parquet", i), rowsOf(0, int64(i)*20, int64(i+1)*20)...)
			if (i+1)%perHour == 0 || i+1 == files {
				if err := os.Chtimes(filepath.Join(outcomesFolder(dir), folder), old, old); err != nil {
					b.Fatal(err)
				}
			}
		}
		start := func(b *testing.B) {
			found, err := Recover(b.Context(), dir)
			if err != nil {
				b.Fatal(err)
			}
			if n := count(found); n != int64(files)*20 {
				b.Fatalf("%d offsets", n)
			}
		}
		b.Run(fmt.Sprintf("%d/new", files), func(b *testing.B) {
			for b.Loop() {
				if err := os.Remove(ledgerFile(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					b.Fatal(err)
				}
				start(b)
			}
		})
		b.Run(fmt.Sprintf("%d/known", files), func(b *testing.B) {
			for b.Loop() {
				start(b)
			}
		})
	}
}
