package packs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/cachenet/cachenet/models"
)

// rescan is how often requests make an Offer look for new versions, at most.
const rescan = time.Second

// Offer is an http.Handler that offers the packs of a folder, read-only. A request is looked up in what was found in the
// folder: no part of it becomes a path. A new version of a pack is offered as soon as all of its files have the sha256 of
// the manifest; until then the old one is, as far as its files are still there.
type Offer struct {
	root string
	mux  *http.ServeMux
	now  func() time.Time

	mu     sync.Mutex
	looked time.Time
	packs  map[string]offered // by folder
	blobs  map[string]file    // by sha256; files of earlier versions stay, while they stay on disk
	told   map[string]string  // folder → the error that was logged last
}

type offered struct {
	name, sha string
	text      []byte
}

// file is a file whose sha256 was checked when it had that size and time.
type file struct {
	path     string
	size     int64
	modified time.Time
}

// NewOffer returns the offer of the pack in root, or of every pack in a folder directly below it. It fails when there is
// none, or one that cannot be used.
func NewOffer(root string) (*Offer, error) {
	o := &Offer{root: root, mux: http.NewServeMux(), now: time.Now, packs: map[string]offered{}, blobs: map[string]file{}, told: map[string]string{}}
	o.mux.HandleFunc("GET /v1/packs/{name}", o.manifest)
	o.mux.HandleFunc("GET /v1/blobs/{sha}", o.blob)
	o.looked = o.now()
	if err := errors.Join(o.scan()...); err != nil {
		return nil, err
	}
	if len(o.packs) == 0 {
		return nil, fmt.Errorf("offer packs: %s holds no pack: name the folder of a pack, or one with packs in it", root)
	}
	return o, nil
}

// Names lists the packs that are offered.
func (o *Offer) Names() (names []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.packs {
		names = append(names, p.name)
	}
	return names
}

// ServeHTTP implements http.Handler.
func (o *Offer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.refresh()
	o.mux.ServeHTTP(w, r)
}

// refresh looks for new versions, and logs each new reason not to offer one.
func (o *Offer) refresh() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := o.now(); now.Sub(o.looked) < rescan {
		return
	}
	o.looked = o.now()
	for _, err := range o.scan() {
		if o.told[o.root] != err.Error() {
			o.told[o.root] = err.Error()
			slog.Warn("a pack is not offered in its present version", "error", err)
		}
	}
}

// scan reads the manifests that are new. o.mu is held, or nobody else has o.
func (o *Offer) scan() (problems []error) {
	dirs, err := packDirs(o.root)
	if err != nil {
		return []error{fmt.Errorf("offer packs: %w", err)}
	}
	for _, dir := range dirs {
		if err := o.read(dir); err != nil {
			problems = append(problems, fmt.Errorf("offer packs: %w", err))
		}
	}
	return problems
}

// packDirs lists the folders that hold a manifest.
func packDirs(root string) (dirs []string, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	candidates := []string{root}
	for _, e := range entries {
		candidates = append(candidates, filepath.Join(root, e.Name()))
	}
	for _, dir := range candidates {
		switch info, err := os.Stat(filepath.Join(dir, models.ManifestFile)); {
		case err == nil && info.Mode().IsRegular():
			dirs = append(dirs, dir)
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return nil, err
		}
	}
	return dirs, nil
}

// read takes in the pack of a folder, unless its manifest is the one that is offered.
func (o *Offer) read(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, models.ManifestFile))
	if err != nil {
		return err
	}
	if o.packs[dir].sha == models.Digest(text) {
		return nil
	}
	real, err := filepath.EvalSymlinks(dir) // the link may point elsewhere tomorrow
	if err != nil {
		return err
	}
	p, err := models.OpenPack(real)
	if err != nil {
		return err
	}
	if p.SHA256 != models.Digest(text) {
		return fmt.Errorf("pack %s: its manifest is being changed", dir)
	}
	for other, have := range o.packs {
		if have.name == p.Name && other != dir {
			return fmt.Errorf("pack %s: its name %q is that of the pack in %s: keep one version of a pack in the folder", dir, p.Name, other)
		}
	}
	for _, n := range p.Nets() {
		path := filepath.Join(real, filepath.FromSlash(n.File))
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		o.blobs[n.SHA256] = file{path, info.Size(), info.ModTime()}
	}
	o.packs[dir] = offered{p.Name, p.SHA256, text}
	return nil
}

func (o *Offer) manifest(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	for _, p := range o.offered() {
		if p.name == name {
			w.Header().Set("Cache-Control", "no-cache")
			serve(w, r, p.sha, "application/json", bytes.NewReader(p.text))
			return
		}
	}
	http.Error(w, "no pack of that name is offered", http.StatusNotFound)
}

func (o *Offer) offered() (all []offered) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.packs {
		all = append(all, p)
	}
	return all
}

func (o *Offer) blob(w http.ResponseWriter, r *http.Request) {
	sha := r.PathValue("sha")
	f, err := o.file(sha)
	if err != nil {
		if !errors.Is(err, errNotOffered) {
			slog.Warn("a file of a pack cannot be offered", "error", err)
		}
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer f.Close()
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	serve(w, r, sha, "application/octet-stream", f)
}

var errNotOffered = errors.New("no file with that sha256 is offered")

// file opens the file with that sha256. The error names no path of this machine.
func (o *Offer) file(sha string) (*os.File, error) {
	o.mu.Lock()
	have, ok := o.blobs[sha]
	o.mu.Unlock()
	if !ok {
		return nil, errNotOffered
	}
	f, err := os.Open(have.path)
	if err != nil {
		return nil, fmt.Errorf("the file %s is not there any more", filepath.Base(have.path))
	}
	if info, err := f.Stat(); err != nil || info.Size() != have.size || !info.ModTime().Equal(have.modified) {
		f.Close()
		return nil, fmt.Errorf("the file %s is not the one that was checked: ask for the manifest again", filepath.Base(have.path))
	}
	return f, nil
}
