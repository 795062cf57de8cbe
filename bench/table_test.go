package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// example has one of everything that a table can show.
func example() results {
	good := verdict{Rows: 48_000, Accuracy: 0.961, Agreement: 0.98, HitRate: 0.951}
	ours := contenderResult{ID: "run", Title: "cachenet run", Frames: 48_000, FPS: spread{5000, 4800, 5100}, CPUUs: spread{230, 228, 233}, StartS: spread{0.5, 0.4, 0.6}, RSSMB: spread{200, 200, 200},
		Rounds: []sample{{FPS: 5000, CPUUs: 230, Verdict: good}}}
	theirs := contenderResult{ID: "python-full", Title: "plain Python", Setting: &setting{2, 1, 16, "whole"}, Best: "frames/s", Frames: 7_680, FPS: spread{1200, 1200, 1200}, CPUUs: spread{1600, 1600, 1600},
		Rounds: []sample{{FPS: 1200, CPUUs: 1600, Verdict: verdict{Rows: 7_679, Missing: 1}}}}
	return results{
		Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Commit: "abc1234", Machine: "2 cores of a test", Versions: map[string]string{"Go": "1.26", "Python": "3.11"}, Settings: map[string]string{"streams": "48"},
		Sizes: []sizeResult{{
			Size: "32x32", FrameBytes: 1012, FullRight: 0.965, Rounds: 5,
			Contenders: []contenderResult{ours, theirs, {ID: "beam-kafka", Title: "Beam", Failed: "no\nbroker"}},
			Ratios:     []ratio{{What: "run : plain Python", Goal: 8, FPS: spread{8.1, 7.9, 8.3}, CPU: spread{7, 6.9, 7.1}}},
			Latency:    &latencyResult{Rate: 2500, Capacity: 5000, HitP50: spread{5, 5, 5}, HitP99: spread{20, 18, 30}, AtOnceP50: spread{6, 6, 6}, AtOnceP99: spread{40, 39, 41}},
			Sweeps: []sweepResult{{"python-full", []trial{{Setting: setting{1, 1, 1, "whole"}, FPS: 600, CPUUs: 1700, Accuracy: 0.96}, {Setting: setting{1, 2, 1, "whole"}, Failed: "why"},
				{Setting: setting{1, 2, 16, "whole"}, LeftOut: "at 640x480"}}}},
		}},
		Scale: []scaleResult{{Streams: 10_000, Partitions: 64, Cores: 1, Frames: 200_000, FPS: spread{4000, 3900, 4100}, Rounds: []sample{{Verdict: good}}}, {Streams: 10, Partitions: 6, Cores: 2, Failed: "did not end"}},
	}
}

func TestMarkdown(t *testing.T) {
	text := example().markdown()
	for _, want := range []string{
		"Measured 2026-01-02 03:04 UTC at abc1234 on 2 cores of a test.",
		"Settings: streams 48. Versions: Go 1.26, Python 3.11.",
		"### 32 × 32, 1,012 bytes a frame",
		"Median of 5 rounds (lowest – highest). The full model is right about 96.50 % of all frames.",
		"| cachenet run | 5,000 (4,800 – 5,100) | 230 (228 – 233) | 96.10 | 98.00 | 95.1 | 200 | 0.50 | 48,000, each one |",
		"| plain Python (2 × process, 1 × thread, batch 16, decoded whole; best by frames/s) | 1,200 | 1,600 | 0.00 | 0.00 | 0.0 | 0 | 0.00 | 7,680, **7679 rows: 1 frames without, 0 twice, 0 unanswered** |",
		"| Beam | failed: no broker | | | | | | | |",
		"| run : plain Python | 8.10 (7.90 – 8.30) | 7.00 (6.90 – 7.10) | ≥ 8.00 | reached by frames/s only |",
		"`cachenet run` at 2,500 frames/s, half of the 5,000 it can when they arrive one of each stream in turn:",
		"p50 5.0 ms, p99 20.0 (18.0 – 30.0) ms",
		"| the same when all streams show other classes at the same moment | p50 6.0 ms, p99 40.0 (39.0 – 41.0) ms |",
		"| python-full | 1 × process, 1 × thread, batch 1, decoded whole | 600 | 1700 | 96.00 |",
		"| python-full | 1 × process, 2 × thread, batch 1, decoded whole | failed | | |",
		"| python-full | 1 × process, 2 × thread, batch 16, decoded whole | slower at 640x480 | | |",
		"| 10,000 | 64 | 1 | 4,000 (3,900 – 4,100) |",
		"| 10 | 6 | 2 | failed: did not end | | | | | |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	// every row of a table has as many cells as its header
	columns := 0
	for line := range strings.Lines(text) {
		n := strings.Count(line, "|")
		if columns > 0 && n > 0 && n != columns {
			t.Errorf("%d cells, not %d: %s", n-1, columns-1, line)
		}
		columns = n
	}
}

func TestResultsRoundTrip(t *testing.T) {
	dir := t.TempDir()
	if err := example().write(dir, "results"); err != nil {
		t.Fatal(err)
	}
	got, err := readResults(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(example(), got, cmp.AllowUnexported(setting{})); d != "" {
		t.Error(d)
	}
}

// A contender that lost a row, or failed, fails the benchmark.
func TestWhole(t *testing.T) {
	err := example().whole()
	if err == nil || !strings.Contains(err.Error(), "python-full: 1 frames without a row") || !strings.Contains(err.Error(), "beam-kafka failed") {
		t.Errorf("%v", err)
	}
	r := example()
	r.Sizes[0].Contenders = r.Sizes[0].Contenders[:1]
	if err := r.whole(); err != nil {
		t.Error(err)
	}
}

func TestCompare(t *testing.T) {
	was := example()
	was.Sizes[0].Contenders = was.Sizes[0].Contenders[:1]
	now := was
	for _, c := range []struct {
		fps, cpu spread
		worse    string
	}{
		{spread{8, 7.5, 8.2}, spread{7, 7, 7}, ""},
		{spread{7, 6.8, 7.8}, spread{7, 7, 7}, "by frames/s"},
		{spread{9, 9, 9}, spread{6, 5.9, 6.5}, "by processor time"},
	} {
		size := was.Sizes[0]
		size.Ratios = []ratio{{What: "run : plain Python", FPS: c.fps, CPU: c.cpu}}
		now.Sizes = []sizeResult{size}
		var out strings.Builder
		err := compare(&out, was, now)
		if (err == nil) != (c.worse == "") || err != nil && !strings.Contains(err.Error(), c.worse) {
			t.Errorf("%+v: %v", c, err)
		}
		if strings.Contains(out.String(), "WORSE") != (c.worse != "") {
			t.Error(out.String())
		}
	}
	now.Sizes = []sizeResult{{Size: "640x480"}}
	if err := compare(&strings.Builder{}, was, now); err == nil || !strings.Contains(err.Error(), "640x480 was not measured then") {
		t.Errorf("%v", err)
	}
}

func TestReplaceBetween(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(path, []byte("head\nBEGIN\nold\nEND\nfoot\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := replaceBetween(path, "BEGIN", "END", "new\n"); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != "head\nBEGIN\nnew\nEND\nfoot\n" {
			t.Fatalf("%q", b)
		}
	}
	if err := replaceBetween(path, "BEGIN", "NOWHERE", ""); err == nil {
		t.Error("a document without the marker lines was written")
	}
}
