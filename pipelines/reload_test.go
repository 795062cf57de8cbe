package pipelines

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
)

// packVersion copies the test pack to dir/version, with that version and some text of its manifest replaced.
func packVersion(t *testing.T, dir, version string, replace ...string) {
	t.Helper()
	to := filepath.Join(dir, version)
	if err := os.CopyFS(to, os.DirFS(colours)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to, models.ManifestFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pack, err := models.OpenPack(colours)
	if err != nil {
		t.Fatal(err)
	}
	replace = append(replace, `"version": "`+pack.Version+`"`, `"version": "`+version+`"`)
	changed := strings.NewReplacer(replace...).Replace(string(text))
	if changed == string(text) {
		t.Fatal("the manifest did not change")
	}
	if err := os.WriteFile(path, []byte(changed), 0o666); err != nil {
		t.Fatal(err)
	}
}

// link makes dir/current point at a version.
func link(t *testing.T, dir, version string) {
	t.Helper()
	temporary := filepath.Join(dir, "next")
	if err := os.Symlink(version, temporary); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
}

// While frames come, a run goes over to another version of its pack: each frame has its row once, of one version or the
// other, and a version that cannot be used changes nothing.
func TestAPackIsReloadedUnderLoad(t *testing.T) {
	s, packs := newSite(t, 2), t.TempDir()
	packVersion(t, packs, "1.0.1")
	packVersion(t, packs, "1.0.2")
	packVersion(t, packs, "1.0.3", `"sha256": "`, `"sha256": "0`)
	link(t, packs, "1.0.1")
	o := s.options(t)
	o.Pack, o.UntilEnd, o.FileAge, o.Watch = filepath.Join(packs, "current"), false, 50*time.Millisecond, 20*time.Millisecond
	reload := make(chan struct{})
	o.Reload = reload
	running, drain := context.WithCancel(t.Context())
	defer drain()
	ended := make(chan error, 1)
	go func() { ended <- Run(running, o) }()
	until := func(what string, done func(byPack map[string]int) bool) {
		t.Helper()
		deadline := time.Now().Add(30 * time.Second)
		for {
			byPack := map[string]int{}
			for row, err := range parquetio.Rows(t.Context(), o.Out) {
				if err != nil {
					t.Fatal(err)
				}
				byPack[row.Pack[strings.IndexByte(row.Pack, '@')+1:]]++
			}
			if done(byPack) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: rows by version: %v of %d frames", what, byPack, s.sent)
			}
			select {
			case err := <-ended:
				t.Fatalf("the run ended: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
			s.fill(t, 4, 2)
		}
	}
	until("the first version answers", func(n map[string]int) bool { return n["1.0.1"] > 50 })
	link(t, packs, "1.0.2")
	until("the second version answers", func(n map[string]int) bool { return n["1.0.2"] > 50 })
	link(t, packs, "1.0.3") // a net's sha256 is wrong
	select {
	case reload <- struct{}{}:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody waits for a signal")
	}
	sent := s.sent
	until("the second version goes on", func(n map[string]int) bool { return n["1.0.1"]+n["1.0.2"] > sent+50 && n["1.0.3"] == 0 })
	s.answered(t, o.Out) // a run that drains reads no more frames
	drain()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
}

// Streams keep what they saw under nets of the same shape, and nothing under others.
func TestStreamsOutliveAReload(t *testing.T) {
	packs := t.TempDir()
	packVersion(t, packs, "2.0.0")
	packVersion(t, packs, "3.0.0", `"red"`, `"crimson"`)
	o := Options{Topic: "frames", Group: "g", Pack: colours, Out: t.TempDir()}
	c, err := configure(o)
	if err != nil {
		t.Fatal(err)
	}
	if c.packChanged() {
		t.Error("the pack did not change")
	}
	for version, heirs := range map[string]int{"2.0.0": 1, "3.0.0": 0} {
		old := c
		old.Pack = filepath.Join(packs, version)
		if !old.packChanged() {
			t.Errorf("%s: the pack changed", version)
		}
		now, err := old.reload()
		if err != nil {
			t.Fatal(err)
		}
		if len(now.heirs) != heirs {
			t.Errorf("%s: heirs %v", version, now.heirs)
		}
	}
}
