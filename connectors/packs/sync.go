package packs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cachenet/cachenet/connectors/fsync"
	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/models"
)

// Wanted says which nets of a pack have to be here before a version of it is used.
type Wanted func(models.NamedNet) bool

// Everything wants all nets: the pack is mirrored.
func Everything(models.NamedNet) bool { return true }

// Sync makes the version that the server offers the one in use, after it has fetched the nets that are wanted; the folder of
// the version has those under the names of the manifest. When the server does not respond, a version that is here
// stays in use; without one Sync waits as long as the source's patience.
func (c *Cache) Sync(ctx context.Context, wanted Wanted) error {
	sound, err := c.repair(wanted)
	switch {
	case err != nil:
		return err
	case !sound:
		err = c.first(ctx, wanted)
	default:
		if _, failed := c.update(ctx, wanted); failed != nil && ctx.Err() == nil {
			slog.Warn("the server of the pack does not offer a version that can be used: the one in the cache is used", "cache", c.dir, "error", failed)
		}
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return c.prune()
}

// repair reports whether the version in use can be used again. What is damaged is removed.
func (c *Cache) repair(wanted Wanted) (sound bool, err error) {
	text, err := os.ReadFile(filepath.Join(c.Pack(), models.ManifestFile))
	if err != nil {
		return false, nil // there is none, or it is fetched again
	}
	m, err := models.ParseManifest(text)
	sound = err == nil
	for _, n := range m.Nets() {
		b, err := os.ReadFile(c.blob(n.SHA256))
		if errors.Is(err, fs.ErrNotExist) {
			sound = sound && !wanted(n)
			continue
		}
		if err == nil && models.Digest(b) == n.SHA256 {
			continue
		}
		slog.Warn("a damaged file of the pack cache is removed", "net", n.Name, "blob", n.SHA256)
		if err := c.Remove(n.SHA256); err != nil {
			return false, err
		}
		sound = sound && !wanted(n)
	}
	if !sound {
		err = os.Remove(c.Pack())
	}
	return sound, err
}

// prune removes what belongs to no version in use.
func (c *Cache) prune() error {
	version, err := os.Readlink(c.Pack())
	if err != nil {
		return fmt.Errorf("pack cache: %w", err)
	}
	all, err := os.ReadDir(filepath.Join(c.dir, "packs"))
	if err != nil {
		return fmt.Errorf("pack cache: %w", err)
	}
	for _, e := range all {
		if e.Name() != filepath.Base(version) {
			if err := os.RemoveAll(filepath.Join(c.dir, "packs", e.Name())); err != nil {
				return fmt.Errorf("pack cache: %w", err)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(c.Pack(), models.ManifestFile))
	if err != nil {
		return fmt.Errorf("pack cache: %w", err)
	}
	m, err := models.ParseManifest(text)
	if err != nil {
		return fmt.Errorf("pack cache: %w", err)
	}
	return c.Keep(m.SHAs())
}

func (c *Cache) first(ctx context.Context, wanted Wanted) error {
	outage := retry.Outage{For: c.source.patience, Passes: passes, Began: func(err error) {
		slog.Warn("the server of the pack does not respond, and the cache is empty: waiting", "error", err, "give_up_after", c.source.patience)
	}}
	return retry.Do(ctx, outage, func() error {
		_, err := c.update(ctx, wanted)
		return err
	})
}

// Follow looks for a new version until ctx is done, and makes each the one in use.
func (c *Cache) Follow(ctx context.Context, every time.Duration, wanted Wanted) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		changed, err := c.update(ctx, wanted)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && err.Error() != told:
			told = err.Error()
			slog.Warn("the server offers no version of the pack that can be used: the present one stays in use", "error", err)
		case err == nil && told != "":
			told = ""
			slog.Info("the server of the pack responds again")
		}
		if changed {
			slog.Info("a new version of the pack is here", "pack", c.source.name())
		}
	}
}

// current is the sha256 of the manifest in use.
func (c *Cache) current() (string, error) {
	text, err := os.ReadFile(filepath.Join(c.Pack(), models.ManifestFile))
	if err != nil {
		return "", err
	}
	return models.Digest(text), nil
}

// update asks once for another version.
func (c *Cache) update(ctx context.Context, wanted Wanted) (changed bool, err error) {
	known, err := c.current()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, finalError{fmt.Errorf("pack cache: %w", err)}
	}
	text, err := c.source.latest(ctx, known)
	if err != nil || text == nil {
		return false, err
	}
	m, err := models.ParseManifest(text)
	if err != nil {
		return false, final("manifest of %s: %w", c.source.name(), err)
	}
	version := filepath.Join(c.dir, "packs", models.Digest(text))
	if err := c.build(ctx, version, text, m, wanted); err != nil {
		return false, err
	}
	return true, c.use(version)
}

// build makes the folder of a version.
func (c *Cache) build(ctx context.Context, version string, text []byte, m models.Manifest, wanted Wanted) error {
	temporary := version + partialSuffix
	if err := os.RemoveAll(temporary); err != nil {
		return finalError{fmt.Errorf("pack cache: %w", err)}
	}
	for _, n := range m.Nets() {
		if !wanted(n) {
			continue
		}
		if err := c.Fetch(ctx, n.SHA256, nil); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		if err := link(c.blob(n.SHA256), filepath.Join(temporary, filepath.FromSlash(n.File))); err != nil {
			return finalError{fmt.Errorf("pack cache: %w", err)}
		}
	}
	err := os.MkdirAll(temporary, 0o777)
	if err == nil {
		err = os.WriteFile(filepath.Join(temporary, models.ManifestFile), text, 0o666)
	}
	if err == nil {
		err = os.RemoveAll(version)
	}
	if err == nil {
		err = os.Rename(temporary, version)
	}
	if err != nil {
		return finalError{fmt.Errorf("pack cache: %w", err)}
	}
	return nil
}

// use points the link to a version, in one step.
func (c *Cache) use(version string) error {
	next := c.Pack() + partialSuffix
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return finalError{fmt.Errorf("pack cache: %w", err)}
	}
	err := os.Symlink(filepath.Join("packs", filepath.Base(version)), next)
	if err == nil {
		err = os.Rename(next, c.Pack())
	}
	if err == nil {
		err = fsync.Folder(c.dir)
	}
	if err != nil {
		return finalError{fmt.Errorf("pack cache: %w", err)}
	}
	return nil
}

// link gives a file a second name, or copies it where the file system has no links.
func link(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil // two nets share the file
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
