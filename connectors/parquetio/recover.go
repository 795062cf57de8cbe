package parquetio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// stale is the age at which a file being written has no writer any more: a write takes seconds, and one that takes
// longer finds its file gone and starts again.
const stale = 10 * time.Minute

// Recover is [Find] for who wants to know the offsets alone.
func Recover(ctx context.Context, dir string) (Durable, error) {
	f, err := Find(ctx, dir)
	return f.Offsets(), err
}

// Find returns what the finished files of the data set at dir hold: nothing when it is not there. It reads the
// footers of new files and takes old folders from the ledger; it also removes what dead writers left. A damaged
// file is an error that names it.
func Find(ctx context.Context, dir string) (Found, error) {
	if _, err := os.Stat(outcomesFolder(dir)); errors.Is(err, fs.ErrNotExist) {
		return Found{}, nil
	}
	if err := removeStale(partialFolder(dir)); err != nil {
		return Found{}, fmt.Errorf("recover %s: %w", dir, err)
	}
	s := scan{dir: dir, known: readLedger(dir), found: ledger{}, start: time.Now()}
	if err := s.folder(ctx, "."); err != nil {
		return Found{}, fmt.Errorf("recover %s: %w", dir, err)
	}
	if err := s.record(); err != nil {
		return Found{}, fmt.Errorf("recover %s: %w", dir, err)
	}
	return Found{dir, s.found}, nil
}

// scan goes through the folders of a data set.
type scan struct {
	dir   string
	start time.Time
	known ledger // what an earlier scan found
	found ledger // what is there
}

// folder scans one folder under outcomes/ and those in it.
func (s *scan) folder(ctx context.Context, rel string) error {
	path := filepath.Join(outcomesFolder(s.dir), rel)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	modified := info.ModTime().UnixNano() // before listing: a file that comes later changes it once more
	if e, ok := s.known[rel]; ok && e.Modified == modified {
		s.found[rel] = e
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	var files []string
	whole := true
	for _, entry := range entries {
		name := entry.Name()
		below, err := isFolder(filepath.Join(path, name), entry)
		switch {
		case err != nil:
			return err
		case below:
			whole = false
			if err := s.folder(ctx, filepath.Join(rel, name)); err != nil {
				return err
			}
		case isData(name):
			files = append(files, filepath.Join(path, name))
		}
	}
	held, err := footers(ctx, files)
	if err != nil {
		return err
	}
	s.found[rel] = folderEntry{Modified: modified, Offsets: held, partly: !whole}
	return nil
}

// footers adds up what the files hold.
func footers(ctx context.Context, files []string) (Durable, error) {
	var mu sync.Mutex
	sum := Durable{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, path := range files {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			held, err := footer(path)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sum.union(held)
			return nil
		})
	}
	return sum, g.Wait()
}

// footer returns what a file holds. A file that others made of ours, compacting them for example, says it only
// in its rows.
func footer(path string) (Durable, error) {
	held := Durable{}
	f, err := openData(path)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if text, told := f.Lookup(keyOffsets); told {
		return held, f.try(func() error { return json.Unmarshal([]byte(text), &held) })
	}
	type place struct {
		Topic     string `parquet:"topic"`
		Partition int32  `parquet:"partition"`
		Offset    int64  `parquet:"offset"`
	}
	for at, err := range fileRows[place](path) {
		if err != nil {
			return nil, err
		}
		held.add(at.Topic, at.Partition, at.Offset)
	}
	return held, nil
}

// removeStale removes what writers that died in mid-write left in the folder.
func removeStale(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && time.Since(info.ModTime()) > stale {
			err = os.Remove(filepath.Join(folder, entry.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another process may tidy up too
			return err
		}
	}
	return nil
}
