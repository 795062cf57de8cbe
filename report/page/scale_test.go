package page

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/report/page/pagetest"
	"github.com/cachenet/cachenet/schemas"
)

// stored writes that many rows of 1,000 streams as a data set of files of a million rows.
func stored(t *testing.T, rows int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	const streams, each = 1000, 1_000_000
	for from := 0; from < rows; from += each {
		path := filepath.Join(dir, "outcomes", "dt=2026-05-04", "hour=12", strconv.Itoa(from)+".parquet")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := parquet.NewGenericWriter[schemas.Outcome](f, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(100_000))
		batch := make([]schemas.Outcome, 0, 10_000)
		for i := from; i < min(from+each, rows); i++ {
			batch = append(batch, row(i%streams, i/streams))
			if len(batch) == cap(batch) || i == rows-1 {
				if _, err := w.Write(batch); err != nil {
					t.Fatal(err)
				}
				batch = batch[:0]
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// peak is the most memory that the process has had so far, in MB; 0 where the system does not tell.
func peak() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("VmHWM:"))
	kb, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	n, _ := strconv.Atoi(string(kb))
	return n >> 10
}

// The page of 1,000 streams is small and right. With CACHENET_TEST_ROWS, say 5000000, it is that of so many rows, and -v
// prints what docs/report.md says of time and memory.
func TestThePageOfAThousandStreams(t *testing.T) {
	rows := 20_000
	if n, err := strconv.Atoi(os.Getenv("CACHENET_TEST_ROWS")); err == nil {
		rows = n
	}
	dir := stored(t, rows)
	runtime.GC()
	begun, c := time.Now(), NewCollector()
	s, err := report.ReadEach(t.Context(), dir, c.Add)
	if err != nil {
		t.Fatal(err)
	}
	text := written(t, c, Heading{Source: "out", Summary: &s})
	t.Logf("%d rows: %v, %d bytes, peak memory %d MB", rows, time.Since(begun).Round(time.Millisecond), len(text), peak())
	if s.Frames != int64(rows) || s.Streams != 1000 || len(text) > 1<<20 {
		t.Errorf("%d rows, %d streams, %d bytes", s.Frames, s.Streams, len(text))
	}
	if n := bytes.Count(text, []byte(`class="strip"`)); n != drawnStreams {
		t.Errorf("%d strips", n)
	}
}

func TestAThousandStreamsInABrowser(t *testing.T) {
	tab := pagetest.Open(t)
	address := saved(t, written(t, example(1000, 40), Heading{Source: "out"}))
	for _, screen := range pagetest.Screens {
		tab.Show(t, screen, address)
		tab.Layout(t).Check(t, screen)
		t.Logf("%s: loaded after %v ms", screen.Name, pagetest.Eval[float64](t, tab, `performance.getEntriesByType("navigation")[0].loadEventEnd`))
	}
	pagetest.Eval[any](t, tab, `document.querySelector("#more-streams summary").click()`)
	if rows := pagetest.Eval[int](t, tab, `document.querySelectorAll("#more-streams tbody tr").length`); rows != 960 {
		t.Errorf("%d streams are listed", rows)
	}
	tab.Layout(t).Check(t, pagetest.Screens[len(pagetest.Screens)-1])
	tab.NoErrors(t)
}
