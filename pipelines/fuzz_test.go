package pipelines

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/parquetio"
)

// Whatever an earlier run left, the next one can begin.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"nets":"n","done":{"0":[[0,9]]},"streams":{"cam":"mZEA"}}`))
	f.Add([]byte(`{"nets":"n","done":{},"streams":{"cam":"3f////8="}}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, text []byte) {
		j := job{Options: Options{Out: t.TempDir(), Group: "g"}, nets: "n"}
		if err := os.MkdirAll(filepath.Join(j.Out, "outcomes"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := parquetio.WriteBeside(j.Out, j.snapshotName(), seal(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := j.recall(known{}); err != nil {
			t.Fatal(err)
		}
		if left, err := parquetio.ReadBeside(j.Out, j.snapshotName()); err != nil || left != nil {
			t.Errorf("used, and still there: %q, %v", left, err)
		}
	})
}

// Whatever a runner says of a failure, the user gets one line.
func FuzzClear(f *testing.F) {
	f.Add("bundle inst002 stage-5 failed: process bundle failed\n\tcaused by:\nDoFn[x.y] failed:\nwrite outcomes: no room")
	f.Add("job job-001 failed:")
	f.Fuzz(func(t *testing.T, text string) {
		if got := clear(errors.New(text)).Error(); strings.Contains(got, "\n") || !strings.HasPrefix(got, "pipeline: ") {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
