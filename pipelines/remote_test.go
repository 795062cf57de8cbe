package pipelines

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	netlink "github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// offered serves the pack in dir, and returns its address and how many files were asked for. hold, where it is not nil, is
// waited for before a specialist is served.
func offered(t *testing.T, dir string, hold chan struct{}) (address string, blobs *atomic.Int64) {
	t.Helper()
	o, err := packs.NewOffer(dir)
	if err != nil {
		t.Fatal(err)
	}
	pack, err := models.OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	blobs = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sha, blob := strings.CutPrefix(r.URL.Path, "/v1/blobs/"); blob {
			blobs.Add(1)
			if hold != nil && (sha == pack.Specialists[0].SHA256 || sha == pack.Specialists[1].SHA256) {
				select {
				case <-hold:
				case <-r.Context().Done():
				}
			}
		}
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1/packs/colours", blobs
}

// A device without nets answers frames at once, all of them with the full model, and with its specialists when they have
// come. After a restart it has them.
func TestAnEmptyCacheFillsWhileFramesFlow(t *testing.T) {
	s, hold := newSite(t, 2), make(chan struct{})
	o := s.options(t)
	var blobs *atomic.Int64
	o.Pack, blobs = offered(t, colours, hold)
	o.Cache, o.CacheBytes, o.UntilEnd, o.FileAge = t.TempDir(), 4<<20, false, 50*time.Millisecond
	var job atomic.Pointer[session.Session]
	o.Started = func(j *session.Session) { job.Store(j) }
	ctx, drain := context.WithCancel(t.Context())
	defer drain()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	count := func() (hits, misses, stalls int) {
		for row, err := range parquetio.Rows(t.Context(), o.Out) {
			switch {
			case err != nil:
				t.Fatal(err)
			case row.Outcome == schemas.Hit:
				hits++
			case row.Outcome == schemas.Miss:
				misses++
			default:
				t.Fatalf("%+v", row)
			}
			if row.CacheEvent == schemas.CacheStall {
				stalls++
			}
		}
		return hits, misses, stalls
	}
	until := func(what string, done func(hits, misses, stalls int) bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; {
			s.fill(t, 4, 2)
			hits, misses, stalls := count()
			if done(hits, misses, stalls) {
				return
			}
			select {
			case err := <-ended:
				t.Fatalf("the run ended: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d hits, %d misses, %d stalls of %d frames", what, hits, misses, stalls, s.sent)
			}
		}
	}
	until("misses while the nets are away", func(hits, misses, stalls int) bool {
		if hits > 0 {
			t.Fatal("a net that is not here answered")
		}
		return misses > 40 && stalls > 40
	})
	close(hold)
	until("hits when they have come", func(hits, _, _ int) bool { return hits > 40 })
	drain()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
	if c, ok := transforms.SessionCounts(job.Load()); !ok || c.Stalls == 0 || c.Evictions != 0 || c.Failures != 0 {
		t.Errorf("%+v", c)
	}
	if c, ok := packs.CountsOf(job.Load()); !ok || c.Fetched != blobs.Load() || c.Bytes == 0 {
		t.Errorf("%+v, %d requests", c, blobs.Load())
	}
	before := blobs.Load()
	s.fill(t, 4, 10)
	o.UntilEnd = true
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
	if n := blobs.Load() - before; n != 0 {
		t.Errorf("%d files were fetched again after a restart", n)
	}
}

// Without --cache-bytes the pack is all here before the first frame, and a new version is used when the server has it.
func TestAMirroredPackIsReloaded(t *testing.T) {
	s, versions := newSite(t, 2), t.TempDir()
	packVersion(t, versions, "1.0.1")
	packVersion(t, versions, "1.0.2")
	link(t, versions, "1.0.1")
	o := s.options(t)
	o.Pack, _ = offered(t, filepath.Join(versions, "current"), nil)
	o.Cache, o.UntilEnd, o.FileAge, o.Watch = t.TempDir(), false, 50*time.Millisecond, 20*time.Millisecond
	ctx, drain := context.WithCancel(t.Context())
	defer drain()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	until := func(version string) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; {
			s.fill(t, 4, 2)
			for row, err := range parquetio.Rows(t.Context(), o.Out) {
				if err != nil {
					t.Fatal(err)
				}
				if row.Pack == "colours@"+version {
					return
				}
			}
			select {
			case err := <-ended:
				t.Fatalf("the run ended: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				t.Fatalf("version %s answers nothing", version)
			}
		}
	}
	until("1.0.1")
	if _, err := models.OpenPack(filepath.Join(o.Cache, "pack")); err != nil {
		t.Errorf("the pack is not all here: %v", err)
	}
	link(t, versions, "1.0.2")
	until("1.0.2")
	drain()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
}

func TestCacheOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"--cache is missing":           {Pack: "http://h/v1/packs/p"},
		"only with the address":        {Pack: "folder", Cache: "c"},
		"only with the address of":     {Pack: "folder", CacheBytes: 1},
		"must not be negative":         {Pack: "http://h/v1/packs/p", Cache: "c", CacheBytes: -1},
		"is the limit of memory too":   {Pack: "http://h/v1/packs/p", Cache: "c", CacheBytes: 1, ModelMemory: 1},
		"--cache-bytes: only on prism": {Pack: "http://h/v1/packs/p", Cache: "c", CacheBytes: 1, Runner: RunnerFlink},
		"":                             {Pack: "http://h/v1/packs/p", Cache: "c", CacheBytes: 1},
	} {
		switch err := o.checkCache(); {
		case err == nil && want == "":
		case err == nil || want == "" || !strings.Contains(err.Error(), want):
			t.Errorf("%+v: %v, expected %q", o, err, want)
		}
	}
}

// A server that is not there ends the run with a clear error where the cache is empty, before anything is read.
func TestAnAddressWithoutAPack(t *testing.T) {
	s := newSite(t, 1)
	o := s.options(t)
	o.Pack, _ = offered(t, colours, nil)
	o.Pack, o.Cache = strings.Replace(o.Pack, "colours", "shapes", 1), t.TempDir()
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no pack of that name") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(filepath.Join(o.Cache, "pack")); err == nil {
		t.Error("something is called the pack")
	}
}

// A device's downloads share its link: a request over a new connection takes two round trips at least.
func TestADeviceFetchesThePackOverItsLink(t *testing.T) {
	address, _ := offered(t, colours, nil)
	shape, err := netlink.Parse("10mbit,100ms")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Server: &Server{Link: netlink.New(shape, 1)}}
	begun := time.Now()
	r, err := o.packClient().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if took := time.Since(begun); r.StatusCode != http.StatusOK || took < 200*time.Millisecond {
		t.Errorf("%s after %v", r.Status, took)
	}
	for _, o := range []Options{{}, {Server: &Server{}}} {
		if o.packClient() != nil {
			t.Errorf("%+v has a client of its own", o)
		}
	}
}
