package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func rowsOf(rows ...schemas.Outcome) iter.Seq2[schemas.Outcome, error] {
	return func(yield func(schemas.Outcome, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// frame is the i-th frame of a run: one a millisecond, two streams, classes in turn.
func frame(i int) schemas.Outcome {
	return schemas.Outcome{Stream: fmt.Sprint("cam-", i%2), Topic: "frames", Offset: int64(i),
		EventTime: noon.Add(time.Duration(i) * time.Millisecond), Outcome: schemas.Hit, Label: "cat", Truth: "cat",
		CacheEvent: schemas.CacheNone, SpecialistUs: 10, LatencyUs: 5000}
}

// write writes a data set of n frames to dir, each modified by change.
func write(t *testing.T, dir string, n int, change func(i int, o *schemas.Outcome)) {
	t.Helper()
	folder := filepath.Join(dir, "outcomes", "dt=2026-05-04", "hour=12")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	rows := make([]schemas.Outcome, n)
	for i := range rows {
		rows[i] = frame(i)
		change(i, &rows[i])
	}
	if err := parquet.WriteFile(filepath.Join(folder, "a.parquet"), rows); err != nil {
		t.Fatal(err)
	}
}

// demo writes a run and its three replays: a specialist that is wrong about every tenth frame, of which half are
// answered by the full model, which is wrong about every fiftieth.
func demo(t *testing.T) string {
	dir := t.TempDir()
	full := func(i int, o *schemas.Outcome) {
		o.Outcome, o.SpecialistUs, o.FullUs, o.Model = schemas.Miss, 0, 400, "full"
		if i%50 == 0 {
			o.Label = "dog"
		}
	}
	small := func(i int, o *schemas.Outcome) {
		if i%10 == 0 {
			o.Label = "cow"
		}
	}
	cached := func(i int, o *schemas.Outcome) {
		if i%20 == 0 {
			full(i, o)
			o.SpecialistUs, o.SelectorUs = 10, 2
		} else {
			small(i, o)
		}
	}
	live := func(i int, o *schemas.Outcome) {
		cached(i, o)
		switch {
		case i%100 == 1:
			o.CacheEvent = schemas.CacheLoad
		case i%100 == 51:
			o.CacheEvent = schemas.CacheEvict
		case i == 7 || i == 8:
			*o = schemas.Outcome{Stream: o.Stream, Topic: o.Topic, Offset: o.Offset, EventTime: o.EventTime,
				LatencyUs: o.LatencyUs, Outcome: schemas.Error, Error: "not an image"}
		}
	}
	// a replay reads all frames at once and emits one at a fixed interval
	paced := func(us int64, change func(int, *schemas.Outcome)) func(int, *schemas.Outcome) {
		return func(i int, o *schemas.Outcome) {
			change(i, o)
			o.LatencyUs = time.Hour.Microseconds() + int64(i)*us - o.EventTime.Sub(noon).Microseconds()
		}
	}
	write(t, dir, 1000, live)
	write(t, filepath.Join(dir, "replay", "cachenet"), 1000, paced(100, cached))
	write(t, filepath.Join(dir, "replay", "full_only"), 1000, paced(500, full))
	write(t, filepath.Join(dir, "replay", "small_only"), 1000, paced(50, small))
	return dir
}

func TestReadARunWithItsReplays(t *testing.T) {
	s, err := Read(t.Context(), demo(t))
	if err != nil {
		t.Fatal(err)
	}
	perSecond := func(us float64) *float64 { return new(1000 / (999 * us / 1e6)) }
	want := Summary{
		Measures: Measures{
			Frames: 1000, Streams: 2, Hits: 948, Misses: 50, Errors: 2, HitRate: new(948. / 998),
			FramesWithTruth: 998, Accuracy: new(938. / 998), // wrong: 50 hits and 10 misses
			AgreementWithFull: new(948. / 998), FramesPerSecond: perSecond(1000),
			Latency: &Latency{5, 5, 5}, ModelLoads: 20, ModelEvictions: 10,
			ModelUsPerFrame: new((998*10. + 50*402) / 998), DistinctOffsets: 1000,
			ErrorReasons: map[string]int64{"not an image": 2},
		},
		Replay: &Measures{
			Frames: 1000, Streams: 2, Hits: 950, Misses: 50, HitRate: new(.95), FramesWithTruth: 1000,
			Accuracy: new(.94), AgreementWithFull: new(.95), FramesPerSecond: perSecond(100),
			ModelUsPerFrame: new(30.1), DistinctOffsets: 1000, ErrorReasons: map[string]int64{},
		},
		Baselines: &Baselines{
			FullOnly: &Measures{Frames: 1000, Streams: 2, Misses: 1000, HitRate: new(0.), FramesWithTruth: 1000,
				Accuracy: new(.98), FramesPerSecond: perSecond(500), ModelUsPerFrame: new(400.),
				DistinctOffsets: 1000, ErrorReasons: map[string]int64{}},
			SmallOnly: &Measures{Frames: 1000, Streams: 2, Hits: 1000, HitRate: new(1.), FramesWithTruth: 1000,
				Accuracy: new(.9), AgreementWithFull: new(.9), FramesPerSecond: perSecond(50),
				ModelUsPerFrame: new(10.), DistinctOffsets: 1000, ErrorReasons: map[string]int64{}},
		},
		SpeedupVsFullOnly: new(5.), ModelTimeSpeedup: new(400 / 30.1),
	}
	near := cmp.Comparer(func(a, b float64) bool { return a == b || (a-b)/b < 1e-9 && (b-a)/b < 1e-9 })
	if diff := cmp.Diff(want, s, near, cmpopts.IgnoreUnexported(Measures{})); diff != "" {
		t.Error(diff)
	}
}

const wantText = `frames      1,000 of 2 streams, one row each
answered by specialist 948, full model 50; hit rate 95.0 %
accuracy    94.0 % of 998 frames whose class is known
agreement   95.0 % with the full model's answers
throughput  1,001 frames/s, as fast as they were published
latency     p50 5.00 ms, p95 5.00 ms, p99 5.00 ms
models      20 loads, 10 evictions; 30.1 µs per frame
errors      2 frames without an answer
            2: not an image

the same frames at full speed
                                    cachenet     full only    small only
  frames                               1,000         1,000         1,000
  frames/s                            10,010         2,002        20,020
  model time per frame, µs              30.1           400          10.0
  accuracy                            94.0 %        98.0 %        90.0 %
  agreement with full                 95.0 %             -        90.0 %
  hit rate                            95.0 %         0.0 %       100.0 %
  speed-up, frames/s                  5.00 x        1.00 x       10.00 x
  speed-up, model time               13.29 x        1.00 x       40.00 x
`

func TestTextForATerminal(t *testing.T) {
	s, err := Read(t.Context(), demo(t))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantText, b.String()); diff != "" {
		t.Error(diff, b.String())
	}
}

func TestTextStaysNarrow(t *testing.T) {
	big := Measures{Frames: 99_999_999, Streams: 1e6, Hits: 99_999_999, Misses: 99_999_999, Errors: 99_999_999, FramesWithTruth: 99_999_999,
		HitRate: new(1.), Accuracy: new(1.), AgreementWithFull: new(1.), FramesPerSecond: new(1e6),
		Latency: &Latency{1e7, 1e7, 1e7}, ModelLoads: 99_999_999, ModelEvictions: 99_999_999, ModelUsPerFrame: new(1e6),
		Duplicates: 1e6, ErrorReasons: map[string]int64{strings.Repeat("é\n", 500): 99_999_999}}
	for i := range 20 {
		big.ErrorReasons[fmt.Sprint(i)] = 1
	}
	us := 99_999.
	s := Summary{Measures: big, Stages: Spread(map[string]int64{"fetch": 99_999, "decode": 99_999, "state": 99_999, "write": 99_999}, 1, us, us, us), Replay: &big, Baselines: &Baselines{&big, &big}}
	var b bytes.Buffer
	if err := s.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestUnknownMeasuresAreOmitted(t *testing.T) {
	lone := frame(0)
	lone.Truth = ""
	m, err := summarize(rowsOf(lone))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(Summary{Measures: m})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"frames":1,"streams":1,"hits":1,"misses":0,"errors":0,"hit_rate":1,"frames_with_truth":0,` +
		`"latency_ms":{"p50":5,"p95":5,"p99":5},"model_loads":0,"model_evictions":0,"model_us_per_frame":10,` +
		`"distinct_offsets":1,"duplicates":0}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Error(diff)
	}
}

func TestDuplicatesAreCounted(t *testing.T) {
	other := frame(3)
	other.Partition = 1
	m, err := summarize(rowsOf(frame(3), frame(3), other, frame(2*pageSize), frame(3)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Frames != 5 || m.DistinctOffsets != 3 || m.Duplicates != 2 {
		t.Errorf("%d frames, %d distinct, %d duplicates", m.Frames, m.DistinctOffsets, m.Duplicates)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	rows := make([]schemas.Outcome, 3*maxReasons)
	for i := range rows {
		rows[i] = schemas.Outcome{Offset: int64(i), Outcome: schemas.Error, Error: fmt.Sprint("reason ", i)}
	}
	m, err := summarize(rowsOf(rows...))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.ErrorReasons) != maxReasons+1 || m.ErrorReasons[otherReason] != 2*maxReasons {
		t.Errorf("%d reasons, %d others", len(m.ErrorReasons), m.ErrorReasons[otherReason])
	}
}

func TestQuantilesAreRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.SliceOfN(rapid.Int64Range(-1000, 1000), 1, 300).Draw(t, "latencies")
		rows := make([]schemas.Outcome, len(ms))
		for i := range rows {
			rows[i] = frame(i)
			rows[i].LatencyUs = ms[i] * 1000
		}
		m, err := summarize(rowsOf(rows...))
		if err != nil {
			t.Fatal(err)
		}
		for q, v := range map[float64]float64{.50: m.Latency.P50, .95: m.Latency.P95, .99: m.Latency.P99} {
			var below, upTo float64
			for _, x := range ms {
				if float64(x) < v {
					below++
				}
				if float64(x) <= v {
					upTo++
				}
			}
			if n := float64(len(ms)); upTo < q*n-1e-9 || below >= q*n {
				t.Errorf("%v-quantile %v: %v rows below, %v up to it, of %v", q, v, below, upTo, n)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	if _, err := Read(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no outcomes") {
		t.Errorf("empty folder: %v", err)
	}
	broken := errors.New("broken")
	_, err := summarize(func(yield func(schemas.Outcome, error) bool) { yield(schemas.Outcome{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("error of a row: %v", err)
	}
	dir := demo(t)
	path := filepath.Join(dir, "replay", "full_only", "outcomes", "dt=2026-05-04", "hour=12", "a.parquet")
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("damaged replay: %v", err)
	}
}

func TestStageTimes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 10, func(int, *schemas.Outcome) {})
	job := session.Open("report", 0)
	job.Spent(session.StageDecode, 800*time.Microsecond, 10)
	job.Close()
	if err := parquetio.WriteStages(dir, job); err != nil {
		t.Fatal(err)
	}
	s, err := Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []StageTime{{"fetch", 0}, {"decode", 80}, {"state", 0}, {"small net", 10}, {"selector", 0}, {"full model", 0}, {"write", 0}}
	if diff := cmp.Diff(want, s.Stages); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	if err := s.WriteText(&b); err != nil || !strings.Contains(b.String(), "fetch 0.00, decode 80.0, state 0.00, write 0.00\n") {
		t.Error(err, b.String())
	}
}

func TestARunWithoutReplays(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 10, func(int, *schemas.Outcome) {})
	s, err := Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if s.Replay != nil || s.Baselines != nil || strings.Contains(b.String(), "full speed") {
		t.Errorf("%+v\n%s", s, b.String())
	}
}

// summarize measures rows without the answers of other runs.
func summarize(rows iter.Seq2[schemas.Outcome, error]) (Measures, error) {
	m, _, err := measure(rows, nil)
	return m, err
}
