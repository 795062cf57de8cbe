package pipelines

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models/policy"
)

// Whatever an earlier run left, the next one can begin, and what it takes over can be read.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"nets":"n","done":{"0":[[0,9]]},"streams":{"cam":"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}`))
	f.Add([]byte(`{"nets":"n","streams":{"cam":"3f////8="}}`))
	f.Add([]byte(`{`))
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	f.Cleanup(func() { slog.SetDefault(before) })
	j := job{nets: "n"}
	f.Fuzz(func(t *testing.T, text []byte) {
		for stream, b := range j.fitting(seal(text), known{}) {
			if err := new(policy.State).UnmarshalBinary(b); err != nil {
				t.Errorf("stream %q: %v", stream, err)
			}
		}
		if found := j.fitting(text, known{}); found != nil {
			t.Errorf("%q is not sealed, and was taken for %v", text, found)
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
