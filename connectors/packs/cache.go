package packs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"github.com/cachenet/cachenet/connectors/fsync"
)

// Cache is a folder of files named by their sha256, fetched from one source, and the pack's manifest. It keeps what it
// has fetched until it is told to remove it: [models.Sessions] decides what a device holds. Its methods may be called
// concurrently, but each file should be fetched by one caller at a time.
//
//	blobs/SHA256           whole and checked
//	blobs/SHA256.partial   a download that is in flight or was cut
//	packs/SHA256           a version of the pack, named by its manifest's sha256
//	pack                   a link to the version in use
type Cache struct {
	dir    string
	source *Source
	lock   *flock.Flock

	mu     sync.Mutex
	counts Counts
}

// Counts is what a cache's downloads came to.
type Counts struct {
	Fetched int64 // files that are whole and had the right sha256
	Bytes   int64 // received, those of damaged and unfinished files included
	Cuts    int64 // connections that ended early, after they had brought something
	Damaged int64 // files with another sha256 than their name
}

const partialSuffix = ".partial"

// Open opens the cache in dir, which it creates where it is not there. Only one process at a time may have it open.
func Open(dir string, source *Source) (*Cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("pack cache: %w", err)
	}
	c := &Cache{dir: dir, source: source}
	for _, sub := range []string{c.Blobs(), filepath.Join(dir, "packs")} {
		if err := os.MkdirAll(sub, 0o777); err != nil {
			return nil, fmt.Errorf("pack cache: %w", err)
		}
	}
	c.lock = flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o666))
	held, err := c.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("pack cache %s: lock: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("pack cache %s: another process uses it: stop that one, or choose another folder", dir)
	}
	return c, nil
}

// Close lets other processes use the folder.
func (c *Cache) Close() error { return c.lock.Unlock() }

// Blobs is the folder with the files.
func (c *Cache) Blobs() string { return filepath.Join(c.dir, "blobs") }

// Pack is the folder of the pack: a link to the version in use, once there is one.
func (c *Cache) Pack() string { return filepath.Join(c.dir, "pack") }

// Counts returns what the downloads came to so far.
func (c *Cache) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

func (c *Cache) count(add func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(&c.counts)
}

// Size returns how many bytes of a file are here, and whether it is whole.
func (c *Cache) Size(sha string) (bytes int64, whole bool) {
	if !isSHA256(sha) {
		return 0, false
	}
	if info, err := os.Stat(c.blob(sha)); err == nil {
		return info.Size(), true
	}
	if info, err := os.Stat(c.partial(sha)); err == nil {
		return info.Size(), false
	}
	return 0, false
}

// Remove deletes a file, and what has arrived of it.
func (c *Cache) Remove(sha string) error {
	if !isSHA256(sha) {
		return nil
	}
	for _, path := range []string{c.blob(sha), c.partial(sha)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("pack cache: %w", err)
		}
	}
	return nil
}

// Keep deletes all files except these, whole or partial.
func (c *Cache) Keep(shas map[string]bool) error {
	entries, err := os.ReadDir(c.Blobs())
	if err != nil {
		return fmt.Errorf("pack cache: %w", err)
	}
	for _, e := range entries {
		if sha := strings.TrimSuffix(e.Name(), partialSuffix); !shas[sha] {
			if err := c.Remove(sha); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cache) blob(sha string) string    { return filepath.Join(c.Blobs(), sha) }
func (c *Cache) partial(sha string) string { return c.blob(sha) + partialSuffix }

// place makes a partial file that was checked a file of the cache, for good.
func (c *Cache) place(f *os.File, sha string) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := os.Rename(f.Name(), c.blob(sha)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := fsync.Folder(c.Blobs()); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// isSHA256 reports whether a name is one, so that it can be a part of a path.
func isSHA256(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == 32 && strings.ToLower(name) == name
}
