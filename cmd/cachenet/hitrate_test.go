package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/schemas"
)

// firstImage is an image of the tests.
func firstImage(t *testing.T) string {
	t.Helper()
	all, err := filepath.Glob("../../testdata/images/*/*.jpg")
	if err != nil || len(all) == 0 {
		t.Fatal("no images", err)
	}
	return all[0]
}

// Report, page and comparison mean the same by a hit rate: repeated answers count as hits.
func TestThereIsOneHitRate(t *testing.T) {
	addr, dir := embedded(t), t.TempDir()
	out, html := filepath.Join(dir, "out"), filepath.Join(dir, "report.html")
	picture, err := os.ReadFile(firstImage(t))
	if err != nil {
		t.Fatal(err)
	}
	publishRaw(t, addr, slices.Repeat([]string{string(picture)}, 40)...)
	mustRun(t, "run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out, "--until-end", "--full", "inline", "--skip-similar")
	count := map[string]float64{}
	for _, row := range checkRows(t, addr, out) {
		count[row.Outcome]++
	}
	if count[schemas.Same] == 0 || count[schemas.Miss] == 0 {
		t.Fatalf("nothing is told apart: %v", count)
	}
	want := (count[schemas.Hit] + count[schemas.Same]) / (count[schemas.Hit] + count[schemas.Same] + count[schemas.Miss])
	var s report.Summary
	if err := json.Unmarshal([]byte(mustRun(t, "report", out, "--output", "json")), &s); err != nil || s.HitRate == nil || *s.HitRate != want {
		t.Errorf("report: %v, %v, want %v", s.HitRate, err, want)
	}
	mustRun(t, "report", out, "--html", html)
	page, err := os.ReadFile(html)
	if err != nil {
		t.Fatal(err)
	}
	if tile := fmt.Sprintf("<span>Hit rate</span><strong>%.1f %%</strong>", 100*want); !strings.Contains(string(page), tile) {
		t.Errorf("the page lacks %s", tile)
	}
	compared, err := report.Compare(t.Context(), out, out, "frames")
	if err != nil || compared.All.Before.HitRate() != want {
		t.Errorf("comparison: %v, %v, want %v", compared.All.Before.HitRate(), err, want)
	}
}
