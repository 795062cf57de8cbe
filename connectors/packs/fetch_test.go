package packs

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachenet/cachenet/models"
	"pgregory.net/rapid"
)

// blobServer serves one blob with ranges, as an Offer does.
func blobServer(content []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != blobsPath+models.Digest(content) {
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		serve(w, r, models.Digest(content), "application/octet-stream", bytes.NewReader(content))
	})
}

func noise(size int) []byte {
	b := make([]byte, size)
	random := rand.New(rand.NewPCG(1, uint64(size)))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func openCache(t *testing.T, dir string, s *Source) *Cache {
	t.Helper()
	c, err := Open(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func stored(t *testing.T, c *Cache, content []byte) {
	t.Helper()
	got, err := os.ReadFile(c.blob(models.Digest(content)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, content) {
		t.Errorf("%d bytes are stored that are not the %d offered", len(got), len(content))
	}
	if _, err := os.Stat(c.partial(models.Digest(content))); err == nil {
		t.Error("the partial file is still there")
	}
}

// Wherever connections are cut, and however often the process ends meanwhile, the file is right in the end, and no byte of it
// is taken twice.
func TestCutDownloadsContinue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		content := noise(rapid.IntRange(0, 300_000).Draw(rt, "size"))
		cuts := rapid.SliceOfN(rapid.Int64Range(0, 120_000), 0, 8).Draw(rt, "cuts")
		restarts := rapid.SliceOfN(rapid.IntRange(0, 5000), 0, 3).Draw(rt, "restarts after ms")
		synctest.Test(t, func(t *testing.T) {
			w := newWire(t, blobServer(content))
			w.cuts = cuts
			dir, s, took := t.TempDir(), w.source(t, "any", SourceOptions{}), int64(0)
			for i := 0; ; i++ {
				c := openCache(t, dir, s)
				ctx, cancel := context.WithCancel(t.Context())
				if i < len(restarts) {
					time.AfterFunc(time.Duration(restarts[i])*time.Millisecond, cancel)
				}
				err := c.Fetch(ctx, models.Digest(content), nil)
				cancel()
				took += c.Counts().Bytes
				c.Close()
				if err == nil {
					break
				}
				if i >= len(restarts) {
					t.Fatal(err)
				}
			}
			stored(t, openCache(t, dir, s), content)
			if took != int64(len(content)) {
				t.Errorf("%d bytes were taken of a file of %d, with cuts after %v", took, len(content), cuts)
			}
		})
	})
}

// A link that stays dead ends the download with an error, after the patience; what came before is not fetched again.
func TestADeadLinkIsGivenUp(t *testing.T) {
	content := noise(200_000)
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t, blobServer(content))
		w.cuts = []int64{100_000}
		c := openCache(t, t.TempDir(), w.source(t, "any", SourceOptions{Patience: time.Minute}))
		began := time.Now()
		begin := func(int64) error { w.set(func(w *wire) { w.dead = true }); return nil }
		err := c.Fetch(t.Context(), models.Digest(content), begin)
		if took := time.Since(began); err == nil || !errors.Is(err, errDead) || !strings.Contains(err.Error(), models.Digest(content)) || took > 2*time.Minute || took < 30*time.Second {
			t.Fatalf("after %v: %v", took, err)
		}
		w.set(func(w *wire) { w.dead = false })
		if err := c.Fetch(t.Context(), models.Digest(content), nil); err != nil {
			t.Fatal(err)
		}
		stored(t, c, content)
		if n := c.Counts(); n.Bytes != int64(len(content)) || n.Cuts == 0 || n.Fetched != 1 {
			t.Errorf("%+v", n)
		}
	})
}

// A server that stops sending without closing the connection counts as cut.
func TestASilentConnectionIsCut(t *testing.T) {
	content := noise(200_000)
	synctest.Test(t, func(t *testing.T) {
		first := true
		w := newWire(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first {
				first = false
				w.Header().Set("Content-Length", "200000")
				_, _ = w.Write(content[:70_000])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			blobServer(content).ServeHTTP(w, r)
		}))
		c := openCache(t, t.TempDir(), w.source(t, "any", SourceOptions{}))
		began := time.Now()
		if err := c.Fetch(t.Context(), models.Digest(content), nil); err != nil {
			t.Fatal(err)
		}
		stored(t, c, content)
		if took := time.Since(began); took < DefaultStall || took > DefaultStall+time.Minute || c.Counts().Bytes != int64(len(content)) {
			t.Errorf("after %v, %+v", took, c.Counts())
		}
	})
}

// A file with another sha256 is fetched again once, from its start; then the error names it and nothing is kept.
func TestADamagedFileIsFetchedAgainOnce(t *testing.T) {
	good, bad := noise(1000), noise(999)
	for _, damaged := range []int{1, 2} {
		requests := 0
		w := newWire(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			content := good
			if requests <= damaged {
				content = bad
			}
			serve(w, r, models.Digest(good), "application/octet-stream", bytes.NewReader(content))
		}))
		c := openCache(t, t.TempDir(), w.source(t, "any", SourceOptions{}))
		err := c.Fetch(t.Context(), models.Digest(good), nil)
		if _, here := c.Size(models.Digest(good)); here != (damaged == 1) || c.Counts().Damaged != int64(damaged) {
			t.Errorf("damaged %d times: here %v, %+v", damaged, here, c.Counts())
		}
		switch {
		case damaged == 1 && err != nil:
			t.Error(err)
		case damaged == 2 && (err == nil || !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), models.Digest(good))):
			t.Errorf("error is %v", err)
		case requests != 2:
			t.Errorf("%d requests", requests)
		}
	}
}

// A damaged partial file, or one that is longer than the file, is found out by the sum.
func TestADamagedPartialFileIsThrownAway(t *testing.T) {
	content := noise(50_000)
	for name, left := range map[string][]byte{
		"damaged": append(noise(999), content[999:20_000]...), "too long": append(noise(50_000), 1), "whole": content, "empty": {},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire(t, blobServer(content))
			c := openCache(t, t.TempDir(), w.source(t, "any", SourceOptions{}))
			if err := os.WriteFile(c.partial(models.Digest(content)), left, 0o666); err != nil {
				t.Fatal(err)
			}
			if err := c.Fetch(t.Context(), models.Digest(content), nil); err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			stored(t, c, content)
			if took := c.Counts().Bytes; name == "whole" && took != 0 {
				t.Errorf("%d bytes of a file that was whole were fetched", took)
			}
		})
	}
}

// What cannot pass by itself is not tried again.
func TestRefusalsAreFinal(t *testing.T) {
	content := noise(10)
	requests := 0
	w := newWire(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		blobServer(content).ServeHTTP(w, r)
	}))
	c := openCache(t, t.TempDir(), w.source(t, "any", SourceOptions{}))
	err := c.Fetch(t.Context(), models.Digest(noise(11)), nil)
	if err == nil || !strings.Contains(err.Error(), "404") || requests != 1 {
		t.Errorf("%d requests: %v", requests, err)
	}
	no := errors.New("no room")
	if err := c.Fetch(t.Context(), models.Digest(content), func(size int64) error {
		if size != 10 {
			t.Errorf("the size is %d", size)
		}
		return no
	}); !errors.Is(err, no) || requests != 2 || c.Counts().Bytes != 0 {
		t.Errorf("%d requests: %v", requests, err)
	}
	for _, sha := range []string{"", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("0", 63)} {
		if err := c.Fetch(t.Context(), sha, nil); err == nil || requests != 2 {
			t.Errorf("%q was asked for", sha)
		}
	}
}

// A server that is being restarted is waited for.
func TestAnOverloadedServerIsWaitedFor(t *testing.T) {
	content := noise(10)
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		w := newWire(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests < 4 {
				http.Error(w, "later", http.StatusServiceUnavailable)
				return
			}
			blobServer(content).ServeHTTP(w, r)
		}))
		c := openCache(t, t.TempDir(), w.source(t, "any", SourceOptions{}))
		if err := c.Fetch(t.Context(), models.Digest(content), nil); err != nil || requests != 4 {
			t.Errorf("%d requests: %v", requests, err)
		}
	})
}

func TestACacheBelongsToOneProcess(t *testing.T) {
	w := newWire(t, blobServer(nil))
	dir, s := t.TempDir(), w.source(t, "any", SourceOptions{})
	c := openCache(t, dir, s)
	if _, err := Open(dir, s); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	c.Close()
	openCache(t, dir, s)
}

func TestKeepRemovesTheRest(t *testing.T) {
	c := openCache(t, t.TempDir(), newWire(t, blobServer(nil)).source(t, "any", SourceOptions{}))
	keep, drop := models.Digest([]byte("keep")), models.Digest([]byte("drop"))
	for _, path := range []string{c.blob(keep), c.partial(drop), c.blob(drop), filepath.Join(c.Blobs(), "stray")} {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Keep(map[string]bool{keep: true}); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(c.Blobs())
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 || left[0].Name() != keep || left[1].Name() != "stray" { // that file is not ours
		t.Errorf("%v are left", left)
	}
}
