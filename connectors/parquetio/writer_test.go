package parquetio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

var noon = time.Date(2026, 5, 4, 12, 30, 0, 123_000_000, time.UTC)

// row returns the outcome of one frame, determined by its arguments.
func row(partition int32, offset int64) schemas.Outcome {
	o := schemas.Outcome{
		Stream: fmt.Sprint("cam-", offset%5), Topic: "frames", Partition: partition, Offset: offset, Sequence: offset / 5,
		EventTime: noon.Add(time.Duration(offset) * time.Millisecond), Outcome: schemas.Hit, Label: "cat",
		Confidence: 0.75, Entropy: 0.25, Threshold: 0.5, Model: "specialist-03", Pack: "scenes@1", ModelSHA256: "ab",
		CacheEvent: schemas.CacheNone, HitRateWindow: 0.5, SpecialistUs: 12.5, LatencyUs: 1000 + offset, FrameBytes: 100,
		Truth: "cat",
	}
	switch offset % 7 {
	case 1:
		o.Audited, o.AuditLabel, o.AuditRate, o.FullUs = true, "dog", 0.25, 400
	case 3:
		o.Outcome, o.Model, o.CacheEvent, o.SelectorUs, o.FullUs = schemas.Miss, "full", schemas.CacheLoad, 3, 400
	case 6:
		o = schemas.Outcome{Stream: o.Stream, Topic: o.Topic, Partition: o.Partition, Offset: o.Offset,
			EventTime: o.EventTime, Outcome: schemas.Error, Pack: o.Pack, CacheEvent: schemas.CacheNone, Error: "not an image"}
	}
	return o
}

func rowsOf(partition int32, from, to int64) (rows []schemas.Outcome) {
	for offset := from; offset < to; offset++ {
		rows = append(rows, row(partition, offset))
	}
	return rows
}

// find returns the session of a job opened by another process, as a worker of that job finds it.
func find(t testing.TB, job string) *session.Session {
	t.Helper()
	s, err := session.Find(job)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// end closes the session of a job.
func end(job string) error {
	s, err := session.Find(job)
	if err != nil {
		return err
	}
	return s.Close()
}

// start opens the writer of a job named after the test and closes it with the test.
func start(t *testing.T, cfg WriteConfig) *writer {
	t.Helper()
	if cfg.Job == "" {
		cfg.Job = t.Name()
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	w, err := writerOf(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end(cfg.Job) })
	return w
}

func add(t *testing.T, w *writer, rows ...schemas.Outcome) {
	t.Helper()
	if err := w.add(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

// read returns all rows at dir, ordered by partition and offset.
func read(t *testing.T, dir string) (rows []schemas.Outcome) {
	t.Helper()
	for row, err := range Rows(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b schemas.Outcome) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return rows
}

func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	for path, err := range dataFiles(dir) {
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, rel)
	}
	return paths
}

// durable collects what the job's session reports as durable.
func durable(t *testing.T, job string) func() Durable {
	var mu sync.Mutex
	heard := Durable{}
	find(t, job).OnDurable(func(d session.Durable) {
		mu.Lock()
		defer mu.Unlock()
		heard.union(Durable{d.Topic: {d.Partition: d.Offsets}})
	})
	return func() Durable {
		mu.Lock()
		defer mu.Unlock()
		copied := Durable{}
		copied.union(heard)
		return copied
	}
}

func count(d Durable) (n int64) {
	for _, partitions := range d {
		for _, offsets := range partitions {
			n += offsets.Count()
		}
	}
	return n
}

// until polls a condition that must soon become true.
func until(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ready(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func TestRowsRoundTrip(t *testing.T) {
	w := start(t, WriteConfig{Pack: "scenes@1", Version: "v0"})
	want := append(rowsOf(0, 0, 1000), rowsOf(3, 50, 70)...)
	add(t, w, want...)
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, read(t, w.cfg.Dir)); diff != "" {
		t.Fatal(diff)
	}
	got := files(t, w.cfg.Dir)
	if len(got) != 1 || filepath.Dir(got[0]) != "outcomes/dt=2026-05-04/hour=12" {
		t.Fatalf("files: %q", got)
	}
}

func TestHoursAreThoseOfTheEventTime(t *testing.T) {
	dir := t.TempDir()
	w := start(t, WriteConfig{Dir: dir})
	times := []time.Time{
		noon, noon.Add(time.Hour), noon.In(time.FixedZone("east", 5*3600)), // the third is the first in another time zone
		{}, time.UnixMilli(-1), time.Unix(1<<40, 0), // outside the range of the column, or unset
	}
	for i, at := range times {
		r := row(0, int64(i))
		r.EventTime = at
		add(t, w, r)
	}
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, path := range files(t, dir) {
		folders = append(folders, strings.TrimPrefix(filepath.Dir(path), "outcomes/"))
	}
	want := []string{"dt=1970-01-01/hour=00", "dt=2026-05-04/hour=12", "dt=2026-05-04/hour=13", "dt=2261-12-31/hour=23"}
	if diff := gocmp.Diff(want, folders); diff != "" {
		t.Error(diff)
	}
	for i, r := range read(t, dir) {
		if want := readable(times[i]); !r.EventTime.Equal(want) {
			t.Errorf("event time %v came back as %v", want, r.EventTime)
		}
	}
}

func TestManyHoursAtOnce(t *testing.T) {
	dir := t.TempDir()
	w := start(t, WriteConfig{Dir: dir})
	for i := range int64(3 * maxOpen) {
		r := row(0, i)
		r.EventTime = noon.Add(time.Duration(i) * time.Hour)
		add(t, w, r)
		if w.mu.Lock(); len(w.open) > maxOpen {
			t.Errorf("%d files open", len(w.open))
		}
		w.mu.Unlock()
	}
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if got := len(read(t, dir)); got != 3*maxOpen {
		t.Errorf("%d rows", got)
	}
}

func TestAnOffsetHasOneRow(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second writer finds the first one's rows in the files
		w := start(t, WriteConfig{Dir: dir})
		add(t, w, rowsOf(0, 0, 50)...)
		add(t, w, rowsOf(0, 25, 60)...)
		if err := w.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		add(t, w, rowsOf(0, 55, 65)...)
		if err := end(t.Name()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(rowsOf(0, 0, 65), read(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestAgeClosesAFileWithoutFurtherRows(t *testing.T) {
	heard := durable(t, t.Name())
	w := start(t, WriteConfig{FileAge: 20 * time.Millisecond})
	add(t, w, rowsOf(0, 0, 10)...)
	until(t, "rows are durable", func() bool { return count(heard()) == 10 })
	if got := len(read(t, w.cfg.Dir)); got != 10 {
		t.Errorf("%d rows in files when 10 were reported as durable", got)
	}
}

func TestSizeClosesAFile(t *testing.T) {
	heard := durable(t, t.Name())
	w := start(t, WriteConfig{FileBytes: 100_000, FileAge: time.Hour})
	for i := range int64(100) {
		add(t, w, rowsOf(0, i*100, i*100+100)...)
	}
	until(t, "most rows are durable", func() bool { return count(heard()) > 5000 })
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, w.cfg.Dir)); n < 5 || n > 100 {
		t.Errorf("%d files", n)
	}
	if n := count(heard()); n != 10_000 {
		t.Errorf("%d of 10000 rows reported as durable", n)
	}
}

func TestBufferedRowsReleaseCredit(t *testing.T) {
	link := session.Open("job", 1000)
	w := start(t, WriteConfig{Job: link.ID()})
	link.Read(10, 1000)
	if !link.Full() {
		t.Fatal("there is credit left")
	}
	add(t, w, rowsOf(0, 0, 10)...) // error rows have no bytes here, so only part is released
	if read, written := link.Counts(); link.Full() || read != 10 || written != 10 {
		t.Errorf("full %v, read %d, written %d", link.Full(), read, written)
	}
}

// obstruct creates a file in the place of the day's folder, so that every write fails until it is removed.
func obstruct(t *testing.T, dir string) (remove func()) {
	t.Helper()
	path := filepath.Join(dir, "outcomes", noon.Format("dt=2006-01-02"))
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// logged captures slog output during the test.
func logged(t *testing.T) func() string {
	var mu sync.Mutex
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(lockedWriter{&mu, &b}, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return b.String()
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func TestATransientDiskErrorLosesNothing(t *testing.T) {
	heard, said := durable(t, t.Name()), logged(t)
	w := start(t, WriteConfig{FileAge: time.Millisecond})
	remove := obstruct(t, w.cfg.Dir)
	add(t, w, rowsOf(0, 0, 10)...)
	until(t, "the writer logs that it cannot write", func() bool { return strings.Contains(said(), "cannot be written") })
	add(t, w, rowsOf(0, 10, 20)...)
	if n := count(heard()); n != 0 {
		t.Fatalf("%d rows reported as durable that are not", n)
	}
	remove()
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(rowsOf(0, 0, 20), read(t, w.cfg.Dir)); diff != "" {
		t.Error(diff)
	}
	if n := count(heard()); n != 20 {
		t.Errorf("%d of 20 rows reported as durable", n)
	}
	if warned := strings.Count(said(), "level=WARN"); warned != 1 || !strings.Contains(said(), "works again") {
		t.Errorf("logged %d times:\n%s", warned, said())
	}
}

func TestAPersistentDiskErrorFailsTheJob(t *testing.T) {
	heard := durable(t, t.Name())
	w := start(t, WriteConfig{FileAge: time.Millisecond, GiveUp: 100 * time.Millisecond})
	remove := obstruct(t, w.cfg.Dir)
	add(t, w, rowsOf(0, 0, 10)...)
	until(t, "the writer fails", func() bool { return w.failure() != nil })
	if !w.job.Draining() {
		t.Error("the job was not stopped")
	}
	err := w.add(t.Context(), rowsOf(0, 10, 20))
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), w.cfg.Dir) {
		t.Errorf("error: %v", err)
	}
	if n := count(heard()); n != 0 {
		t.Errorf("%d rows reported as durable that are not", n)
	}
	remove()
	if _, late := writerOf(t.Context(), w.cfg); late == nil || late.Error() != err.Error() {
		t.Errorf("a later bundle gets %v", late)
	}
	if failed := end(t.Name()); !errors.Is(failed, err) {
		t.Errorf("the job ends with %v", failed)
	}
}

// Where the runner retries bundles, a retried one finds a new writer.
func TestABundleIsWrittenWhenTheRunnerReplaysIt(t *testing.T) {
	w := start(t, WriteConfig{EveryBundle: true, GiveUp: 100 * time.Millisecond})
	remove := obstruct(t, w.cfg.Dir)
	add(t, w, rowsOf(0, 0, 10)...)
	if err := w.flush(t.Context()); err == nil {
		t.Error("no error for rows that are not on disk")
	}
	remove()
	again := start(t, w.cfg)
	add(t, again, rowsOf(0, 0, 20)...)
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(rowsOf(0, 0, 20), read(t, w.cfg.Dir)); diff != "" {
		t.Error(diff)
	}
}

func TestCloseReportsUnwrittenRows(t *testing.T) {
	w := start(t, WriteConfig{GiveUp: 50 * time.Millisecond})
	obstruct(t, w.cfg.Dir)
	add(t, w, rowsOf(0, 0, 10)...)
	if err := end(t.Name()); err == nil {
		t.Error("Close returned no error although rows are missing")
	}
}

// A bundle that outlives its job gets neither the job's writer nor a new one.
func TestAClosedJobRefusesLateBundles(t *testing.T) {
	job := session.Open("job", 0)
	cfg := WriteConfig{Job: job.ID(), Dir: t.TempDir()}
	w, err := writerOf(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	add(t, w, rowsOf(0, 0, 10)...)
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.add(t.Context(), rowsOf(0, 10, 20)); err == nil {
		t.Error("a bundle in flight added rows")
	}
	if _, err := writerOf(t.Context(), cfg); !errors.Is(err, session.ErrClosed) {
		t.Errorf("a late bundle: error %v", err)
	}
	if diff := gocmp.Diff(rowsOf(0, 0, 10), read(t, cfg.Dir)); diff != "" {
		t.Error(diff)
	}
}

func TestPendingFilesAreBounded(t *testing.T) {
	w := start(t, WriteConfig{FileBytes: 10_000, PendingBytes: 20_000})
	remove := obstruct(t, w.cfg.Dir)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var taken int64
	for ctx.Err() == nil {
		if err := w.add(ctx, rowsOf(0, taken, taken+100)); err == nil {
			taken += 100
		}
	}
	w.mu.Lock()
	if limit := w.cfg.PendingBytes + 2*w.cfg.FileBytes; w.queued > limit {
		t.Errorf("%d bytes wait for the disk, limit %d", w.queued, limit)
	}
	w.mu.Unlock()
	remove()
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if got := int64(len(read(t, w.cfg.Dir))); got != taken {
		t.Errorf("%d of %d rows written", got, taken)
	}
}

func TestWritersOfManyGoroutines(t *testing.T) {
	heard := durable(t, t.Name())
	w := start(t, WriteConfig{FileBytes: 50_000, FileAge: time.Millisecond})
	var group sync.WaitGroup
	for p := range int32(8) {
		group.Go(func() {
			for i := range int64(20) {
				if err := w.add(t.Context(), rowsOf(p, i*50, i*50+50)); err != nil {
					t.Error(err)
				}
				if i%5 == 0 {
					if err := w.flush(t.Context()); err != nil {
						t.Error(err)
					}
					if got := heard()["frames"][p]; got.Count() < i*50+50 {
						t.Errorf("flush returned with %d of %d rows durable", got.Count(), i*50+50)
					}
				}
			}
		})
	}
	group.Wait()
	if err := end(t.Name()); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, w.cfg.Dir)); n != 8000 {
		t.Errorf("%d of 8000 rows", n)
	}
	if _, err := writerOf(t.Context(), WriteConfig{}); err == nil {
		t.Error("a writer without job and folder was opened")
	}
}
