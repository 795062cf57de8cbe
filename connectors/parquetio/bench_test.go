package parquetio

import (
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

func BenchmarkAdd(b *testing.B) {
	w, err := writerOf(b.Context(), WriteConfig{Job: b.Name(), Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	run := make([]schemas.Outcome, 16)
	var offset int64
	for b.Loop() {
		for i := range run {
			run[i] = row(0, offset)
			offset++
		}
		if err := w.add(b.Context(), run); err != nil {
			b.Fatal(err)
		}
	}
	if err := Close(b.Name()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(offset)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkFlush is the price of a bundle on runners that need its rows on disk.
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
	if err := Close(b.Name()); err != nil {
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
	if err := Close(b.Name()); err != nil {
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
