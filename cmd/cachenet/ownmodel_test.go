package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/report"
)

// Every command of docs/your-own-model.md is run as written, in one shell, and what it measures is there.
func TestOwnModelDocument(t *testing.T) {
	if os.Getenv("CACHENET_TEST_OWN_MODEL") == "" {
		t.Skip("NOT RUN, see make test-own-model: it trains nets")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "your-own-model.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, b := range shellBlock.FindAllSubmatch(text, -1) {
		script.Write(b[1])
	}
	runWithin(t, 75*time.Minute, root, script.String())
	s, err := report.Read(t.Context(), filepath.Join(root, "out", "own-model", "outcomes"))
	if err != nil {
		t.Fatal(err)
	}
	const streams = 12
	const frames = 195 * streams // of the last 19.5 s
	if s.Frames != frames || s.Errors != 0 || s.Streams != streams {
		t.Errorf("%d frames of %d streams, %d errors; expected %d of %d", s.Frames, s.Streams, s.Errors, frames, streams)
	}
	if s.AgreementWithFull == nil || *s.AgreementWithFull < 0.97 || s.SpeedupVsFullOnly == nil || *s.SpeedupVsFullOnly <= 1 {
		t.Errorf("agreement %v, speed-up %v: expected at least 0.97, two points less than the build's budget since these are other seconds, and a speed-up", s.AgreementWithFull, s.SpeedupVsFullOnly)
	}
}
