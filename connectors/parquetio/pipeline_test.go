package parquetio

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.Function2x0(rowsOfRun)
	register.Emitter1[schemas.Outcomes]()
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(envSharer); dir != "" {
		writeUntilKilled(dir, true)
	}
	if dir := os.Getenv(envVictim); dir != "" {
		writeUntilKilled(dir, false)
	}
	beam.Init()
	os.Exit(tidily(m))
}

// tidily runs the tests with a temporary folder of their own, where prism.Execute leaves an empty file for each pipeline.
func tidily(m *testing.M) int {
	dir, err := os.MkdirTemp("", "parquetio-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("TMPDIR", dir)
	return m.Run()
}

// rowsOfRun makes the outcomes of the i-th run of 16 frames.
func rowsOfRun(i int, emit func(schemas.Outcomes)) {
	emit(schemas.Outcomes{Rows: rowsOf(0, int64(i)*16, int64(i)*16+16)})
}

// runPipeline writes n runs on the local runner.
func runPipeline(cfg WriteConfig, n int) error {
	runs := make([]int, n)
	for i := range runs {
		runs[i] = i
	}
	p, s := beam.NewPipelineWithRoot()
	Write(s, cfg, beam.ParDo(s, rowsOfRun, beam.CreateList(s, runs)))
	_, err := prism.Execute(context.Background(), p)
	return err
}

func TestWriteInAPipeline(t *testing.T) {
	for name, everyBundle := range map[string]bool{"rolling": false, "every bundle": true} {
		t.Run(name, func(t *testing.T) {
			heard := durable(t, t.Name())
			cfg := WriteConfig{Job: t.Name(), Dir: t.TempDir(), EveryBundle: everyBundle, FileAge: time.Hour}
			if err := runPipeline(cfg, 50); err != nil {
				t.Fatal(err)
			}
			early := len(files(t, cfg.Dir)) > 0
			if early != everyBundle {
				t.Errorf("files before Close: %v", early)
			}
			if err := end(cfg.Job); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(rowsOf(0, 0, 800), read(t, cfg.Dir)); diff != "" {
				t.Error(diff)
			}
			if n := count(heard()); n != 800 {
				t.Errorf("%d of 800 rows reported as durable", n)
			}
		})
	}
}

func TestAPipelineFailsWithTheDisk(t *testing.T) {
	cfg := WriteConfig{Job: t.Name(), Dir: t.TempDir(), EveryBundle: true, GiveUp: 50 * time.Millisecond}
	if err := prepare(cfg.Dir); err != nil {
		t.Fatal(err)
	}
	obstruct(t, cfg.Dir)
	if err := runPipeline(cfg, 3); err == nil || !strings.Contains(err.Error(), "free disk space") {
		t.Errorf("error: %v", err)
	}
	if err := end(cfg.Job); err == nil {
		t.Error("Close returned no error although rows are missing")
	}
}
