package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
)

// What tune writes, run and replay take; the rows name the file, and another pack refuses it.
func TestTuneWritesAPolicyThatRunTakes(t *testing.T) {
	addr, out := loggedFrames(t)
	file := filepath.Join(t.TempDir(), "policy.json")
	said := mustRun(t, "tune", "--brokers", addr, "--topic", "frames", "--pack", coloursPack, "--max-accuracy-loss", "0.2", "--out", file)
	for _, want := range []string{"240 frames of 4 streams", "which chose nothing", "budget 20.00 points", "run --policy-file " + file} {
		if !strings.Contains(said, want) {
			t.Errorf("the output lacks %q:\n%s", want, said)
		}
	}
	pack, err := models.OpenPack(coloursPack)
	if err != nil {
		t.Fatal(err)
	}
	f, err := models.ReadPolicyFile(file, pack)
	if err != nil {
		t.Fatal(err)
	}
	again := t.TempDir()
	said = mustRun(t, "run", "--brokers", addr, "--topic", "frames", "--group", "g2", "--pack", coloursPack, "--policy-file", file, "--out", again, "--until-end")
	if !strings.Contains(said, "policy: of the file "+file) {
		t.Errorf("the run does not name the file:\n%s", said)
	}
	rows := 0
	for row, err := range parquetio.Rows(t.Context(), again) {
		if err != nil {
			t.Fatal(err)
		}
		if rows++; row.Policy != f.ID {
			t.Fatalf("policy %q, want %q", row.Policy, f.ID)
		}
	}
	if rows != 240 {
		t.Errorf("%d rows", rows)
	}
	if c := replayed(t, addr, out, "--policy-file", file); c.All.After.Frames != 240 {
		t.Errorf("%+v", c)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Found struct {
			Recording string `json:"recording"`
		} `json:"found"`
	}
	if err := json.Unmarshal(text, &found); err != nil || found.Found.Recording == "" {
		t.Errorf("%v: %s", err, text)
	}
	other := filepath.Join(t.TempDir(), "pack")
	if err := os.CopyFS(other, os.DirFS(coloursPack)); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(other, models.ManifestFile)
	text, err = os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, append(text, '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "--brokers", addr, "--topic", "frames", "--group", "g3", "--pack", other, "--policy-file", file, "--out", t.TempDir(), "--until-end")
	if code := p.exit(t); code == 0 || !strings.Contains(p.said(t), "run cachenet tune again with this pack") {
		t.Errorf("exit code %d: %s", code, p.said(t))
	}
}
