package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/schemas"
)

// tempered is a copy of the bundled pack whose small net has a temperature that is wrong by a factor. One that is not sure enough has no settings of
// their own for runs with audits, so that what is refitted with audits can be looked at without them.
func tempered(t *testing.T, factor float32) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pack")
	if err := os.CopyFS(dir, os.DirFS("../../models/packs/scenes")); err != nil {
		t.Fatal(err)
	}
	p, err := models.OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Specialists {
		p.Specialists[i].Temperature *= factor
	}
	if factor > 1 {
		p.Audited = nil
	}
	text, err := json.Marshal(p.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, models.ManifestFile), text, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// answered counts the hits of a data set whose hits are all audited, and those that were wrong.
func answered(t *testing.T, out string) (hits, wrong int) {
	t.Helper()
	for row, err := range parquetio.Rows(t.Context(), out) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Outcome == schemas.Hit {
			hits++
			if row.Label != row.AuditLabel {
				wrong++
			}
		}
	}
	return hits, wrong
}

// temperature returns that of the pack's first small net.
func temperature(t *testing.T, pack string) float32 {
	t.Helper()
	p, err := models.OpenPack(pack)
	if err != nil {
		t.Fatal(err)
	}
	return p.Specialists[0].Temperature
}

// A run, its recalibration, a run: a net that was too sure gets its temperature back, one that was not sure enough a lower
// threshold and more hits, and hits keep the budget.
func TestARecalibratedPackRuns(t *testing.T) {
	addr, topic := embedded(t), "frames"
	mustRun(t, "produce", "--brokers", addr, "--topic", topic, "--source", "scenes", "--streams", "8", "--frames", "200", "--active", "3", "--dwell", "40", "--seed", "11")
	run := func(name, pack, out string, more ...string) {
		mustRun(t, append([]string{"run", "--brokers", addr, "--topic", topic, "--group", name, "--pack", pack, "--out", out, "--until-end", "--full", "inline", "--audit-rate", "1"}, more...)...)
	}
	for name, factor := range map[string]float32{"sure": 0.3, "unsure": 3} {
		pack, out, next, again := tempered(t, factor), t.TempDir(), filepath.Join(t.TempDir(), "next"), t.TempDir()
		run(name, pack, out)
		said := mustRun(t, "pack", "recalibrate", pack, "--from", out, "--out", next, "--max-accuracy-loss", "0.02")
		for _, want := range []string{"audited hits", "threshold", "on these rows then: hit rate", "wrote scenes@1.4.1 to " + next} {
			if !strings.Contains(said, want) {
				t.Errorf("the output lacks %q:\n%s", want, said)
			}
		}
		run(name+"-again", next, again)
		before, _ := answered(t, out)
		hits, wrong := answered(t, again)
		t.Logf("%s: %d hits, then %d, %d of them wrong\n%s", name, before, hits, wrong, said)
		if wrong > hits/50 {
			t.Errorf("%s: %d of %d hits were wrong, more than 2 %%", name, wrong, hits)
		}
		if off := temperature(t, next) / temperature(t, "../../models/packs/scenes"); name == "sure" && (off < 0.6 || off > 1.6) {
			t.Errorf("%s: the temperature is off by a factor of %.2f", name, off)
		}
		if name == "sure" {
			continue
		}
		// Without audits: what they find wrong is confirmed for a while, which is no hit.
		tight, loose := t.TempDir(), t.TempDir()
		run(name+"-tight", pack, tight, "--audit-rate", "0")
		run(name+"-loose", next, loose, "--audit-rate", "0")
		before, _ = answered(t, tight)
		if hits, _ := answered(t, loose); hits <= before {
			t.Errorf("%s: %d hits, then %d", name, before, hits)
		}
	}
}

func TestRecalibrateRefuses(t *testing.T) {
	addr, out := embedded(t), t.TempDir()
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "2", "--frames", "10")
	mustRun(t, "run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out, "--until-end", "--audit-rate", "1")
	to := filepath.Join(t.TempDir(), "next")
	args := func(more ...string) []string {
		return append([]string{"pack", "recalibrate", coloursPack, "--from", out, "--out", to}, more...)
	}
	for want, args := range map[string][]string{
		"at least 230 are needed":   args(),
		"name a version other than": args("--version", "1.0.0"),
		"must be between 0 and 1":   args("--max-accuracy-loss", "2"),
		"--out is missing":          {"pack", "recalibrate", coloursPack, "--from", out},
	} {
		p := start(t, args...)
		if code := p.exit(t); code == 0 || !strings.Contains(p.said(t), want) {
			t.Errorf("%v: exit code %d, %s", args, code, p.said(t))
		}
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("a pack was written")
	}
}
