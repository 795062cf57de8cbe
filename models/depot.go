package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
)

// Depot keeps the files of a pack that come to this machine one by one, named by their sha256; connectors/packs has one that
// fetches them over HTTP. Its methods may be called concurrently.
type Depot interface {
	// Blobs is the folder that holds the files.
	Blobs() string
	// Size returns how many bytes of a file are here, and whether that is all of it, checked.
	Size(sha string) (bytes int64, whole bool)
	// Fetch brings a file here and returns when it is whole. begin is called with its size before it arrives, and may
	// refuse; then Fetch returns that error, wrapped.
	Fetch(ctx context.Context, sha string, begin func(size int64) error) error
	// Remove deletes a file, and what has arrived of it.
	Remove(sha string) error
	// Keep deletes all files except these.
	Keep(shas map[string]bool) error
}

// errDamaged says that a file is not the one that the manifest names.
var errDamaged = errors.New("the file was altered or is incomplete")

// OpenPackIn reads the pack whose manifest is in dir and whose files are in a depot, as far as they are there; those that are
// damaged are removed.
func OpenPackIn(dir string, depot Depot) (*Pack, error) {
	p, err := openManifest(dir)
	if err != nil {
		return nil, err
	}
	p.depot = depot
	for _, n := range p.Nets() {
		if !p.here(n.NetEntry) {
			continue
		}
		if _, err := p.read(n.NetEntry); errors.Is(err, errDamaged) {
			slog.Warn("a damaged net is removed, to be fetched again", "net", n.Name, "error", err)
			err = depot.Remove(n.SHA256)
			if err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// openManifest reads a pack without its files.
func openManifest(dir string) (*Pack, error) {
	path := filepath.Join(dir, ManifestFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("pack %s: has no %s: name the folder of a pack", dir, ManifestFile)
	}
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	m, err := ParseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Pack{Manifest: m, Dir: dir, SHA256: Digest(b)}, nil
}

// here reports whether a net can be loaded without fetching it.
func (p *Pack) here(e NetEntry) bool {
	if p.depot == nil {
		return true
	}
	_, whole := p.depot.Size(e.SHA256)
	return whole
}

// path is where a net's file is.
func (p *Pack) path(e NetEntry) string {
	if p.depot != nil {
		return filepath.Join(p.depot.Blobs(), e.SHA256)
	}
	return filepath.Join(p.Dir, filepath.FromSlash(e.File))
}
