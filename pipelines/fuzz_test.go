package pipelines

import (
	"errors"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models/policy"
)

// Whatever an earlier run left, the next one can start, and what it restores can be decoded.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"nets":"n","done":{"0":[[0,9]]},"streams":{"cam":"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}`))
	f.Add([]byte(`{"nets":"n","streams":{"cam":"3f////8="}}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, text []byte) {
		streams, err := readSnapshot(seal(text), "n", nil, nil)
		if err != nil && streams != nil {
			t.Errorf("%v, and still %v", err, streams)
		}
		for stream, b := range streams {
			if err := new(policy.State).UnmarshalBinary(b); err != nil {
				t.Errorf("stream %q: %v", stream, err)
			}
		}
		if found, err := readSnapshot(text, "n", nil, nil); found != nil || err == nil {
			t.Errorf("%q is incomplete, but was read as %v", text, found)
		}
	})
}

// Whatever a runner reports as a failure, the user gets one line.
func FuzzClear(f *testing.F) {
	f.Add("bundle inst002 stage-5 failed: process bundle failed\n\tcaused by:\nDoFn[x.y] failed:\nwrite outcomes: no room")
	f.Add("job job-001 failed:")
	f.Fuzz(func(t *testing.T, text string) {
		if got := plainly(errors.New(text)).Error(); strings.Contains(got, "\n") || !strings.HasPrefix(got, "pipeline: ") {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
