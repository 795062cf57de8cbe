package packs

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachenet/cachenet/models"
)

// versions offers a version of the test pack; put puts another one in its place.
func versions(t *testing.T) (o *Offer, put func(number string)) {
	t.Helper()
	root := t.TempDir()
	link := filepath.Join(root, "current")
	put = func(number string) {
		dir := filepath.Join(root, number)
		version(t, dir, number, alter(t, dir))
		point(t, number, link)
	}
	put("1.0.0")
	o, err := NewOffer(link)
	if err != nil {
		t.Fatal(err)
	}
	return o, put
}

// served is such an offer at the other end of a wire.
func served(t *testing.T) (w *wire, put func(number string)) {
	t.Helper()
	o, put := versions(t)
	return newWire(t, o), put
}

func opened(t *testing.T, c *Cache) *models.Pack {
	t.Helper()
	p, err := models.OpenPack(c.Pack())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPackIsMirroredAndFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, put := served(t)
		c := openCache(t, t.TempDir(), w.source(t, "colours", SourceOptions{}))
		if err := c.Sync(t.Context(), Everything); err != nil {
			t.Fatal(err)
		}
		if p := opened(t, c); p.Version != "1.0.0" {
			t.Errorf("%s", p.ID())
		}
		before := c.Counts()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.Follow(ctx, 2*time.Second, Everything); close(done) }()
		put("2.0.0")
		time.Sleep(5 * time.Second)
		if p := opened(t, c); p.Version != "2.0.0" {
			t.Errorf("%s is still in use", p.ID())
		}
		if n := c.Counts().Fetched - before.Fetched; n != 1 {
			t.Errorf("%d files were fetched for a version that differs in one", n)
		}
		w.set(func(w *wire) { w.dead = true })
		put("3.0.0")
		time.Sleep(time.Minute)
		w.set(func(w *wire) { w.dead = false })
		time.Sleep(5 * time.Second)
		if p := opened(t, c); p.Version != "3.0.0" {
			t.Errorf("%s is still in use after an outage", p.ID())
		}
		cancel()
		<-done
	})
}

// A device that restarts without a link goes on with what it has; one that has nothing waits, and then says so.
func TestSyncWithoutALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := served(t)
		dir, s := t.TempDir(), w.source(t, "colours", SourceOptions{Patience: time.Minute})
		w.set(func(w *wire) { w.dead = true })
		c := openCache(t, dir, s)
		began := time.Now()
		if err := c.Sync(t.Context(), Everything); err == nil || time.Since(began) < 30*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		w.set(func(w *wire) { w.dead = false })
		if err := c.Sync(t.Context(), Everything); err != nil {
			t.Fatal(err)
		}
		c.Close()
		w.set(func(w *wire) { w.dead = true })
		c = openCache(t, dir, s)
		began = time.Now()
		if err := c.Sync(t.Context(), Everything); err != nil || time.Since(began) > time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		opened(t, c)
	})
}

// A file that was damaged on the disk is fetched again when the process starts.
func TestADamagedMirrorIsRepaired(t *testing.T) {
	w, _ := served(t)
	dir, s := t.TempDir(), w.source(t, "colours", SourceOptions{})
	c := openCache(t, dir, s)
	if err := c.Sync(t.Context(), Everything); err != nil {
		t.Fatal(err)
	}
	sha := opened(t, c).Full.SHA256
	c.Close()
	if err := os.WriteFile(c.blob(sha), []byte("damaged"), 0o666); err != nil {
		t.Fatal(err)
	}
	c = openCache(t, dir, s)
	if err := c.Sync(t.Context(), Everything); err != nil {
		t.Fatal(err)
	}
	opened(t, c)
	if n := c.Counts().Fetched; n != 1 {
		t.Errorf("%d files were fetched", n)
	}
}

// Only what is wanted is fetched before a version is used.
func TestOnlyWantedNetsAreFetched(t *testing.T) {
	w, _ := served(t)
	c := openCache(t, t.TempDir(), w.source(t, "colours", SourceOptions{}))
	if err := c.Sync(t.Context(), func(n models.NamedNet) bool { return n.Name == models.SelectorNet }); err != nil {
		t.Fatal(err)
	}
	if n := c.Counts().Fetched; n != 1 {
		t.Errorf("%d files were fetched", n)
	}
	if _, err := os.Stat(filepath.Join(c.Pack(), "selector.onnx")); err != nil {
		t.Error(err)
	}
	if _, err := models.OpenPack(c.Pack()); err == nil || !strings.Contains(err.Error(), "full.onnx is missing") {
		t.Errorf("error is %v", err)
	}
}

// After a restart only the version in use takes space.
func TestOldVersionsAreRemoved(t *testing.T) {
	w, put := served(t)
	dir, s := t.TempDir(), w.source(t, "colours", SourceOptions{})
	for _, number := range []string{"2.0.0", "3.0.0"} {
		c := openCache(t, dir, s)
		if err := c.Sync(t.Context(), Everything); err != nil {
			t.Fatal(err)
		}
		c.Close()
		put(number)
	}
	p := opened(t, &Cache{dir: dir})
	for folder, want := range map[string]int{"packs": 1, "blobs": len(p.SHAs())} {
		if all, err := os.ReadDir(filepath.Join(dir, folder)); err != nil || len(all) != want {
			t.Errorf("%s holds %d, expected %d: %v", folder, len(all), want, err)
		}
	}
}
