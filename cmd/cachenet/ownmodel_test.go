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
	runWithin(t, time.Hour, root, script.String())
	s, err := report.Read(t.Context(), filepath.Join(root, "out", "own-model", "outcomes"))
	if err != nil {
		t.Fatal(err)
	}
	const frames = 195 * 7 // of the last 19.5 s, of seven streams
	if s.Frames != frames || s.Errors != 0 || s.Streams != 7 {
		t.Errorf("%d frames of %d streams, %d errors; expected %d of 7", s.Frames, s.Streams, s.Errors, frames)
	}
	if s.AgreementWithFull == nil || *s.AgreementWithFull < 0.8 || s.SpeedupVsFullOnly == nil {
		t.Errorf("agreement %v, speed-up %v: expected at least 0.8, which is less than the build's budget promises, and a speed-up", s.AgreementWithFull, s.SpeedupVsFullOnly)
	}
}
