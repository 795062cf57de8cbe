package parquetio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/parquet-go/parquet-go"

	"github.com/cachenet/cachenet/schemas"
)

// Bounds of a commit into a shared data set.
const (
	lockWait  = 5 * time.Second      // for the other writers; then it counts as a refusal of the disk
	lockPoll  = 2 * time.Millisecond // a commit holds the lock for a rename and a sync
	seenHours = 4 * maxOpen          // hours whose files are remembered
	rowsBatch = 256
)

// commits puts files into a data set that other processes write to at the same time. A row is durable before
// anybody can write it again: files appear one at a time under a lock of the data set, and whoever holds it first
// looks which offsets the files of that hour hold by then; his rows for those are left out. That holds whatever a
// process believes to own, after a pause of any length too. Rows of one offset always meet in one hour, since the
// hour is the record's.
type commits struct {
	dir  string
	lock *flock.Flock
	seen map[int64]*hourFiles
	left int64 // rows left out so far
}

// hourFiles is what is known of the files of one hour.
type hourFiles struct {
	names map[string]bool
	held  Durable
}

func newCommits(dir string) *commits {
	return &commits{dir: dir, lock: flock.New(filepath.Join(privateFolder(dir), "commit.lock")), seen: map[int64]*hourFiles{}}
}

// store is the package's store for a shared data set.
func (c *commits) store(f finished) error {
	for len(f.offsets) > 0 {
		partial, err := writePartial(c.dir, filepath.Base(f.path), f.data)
		if err != nil {
			return err
		}
		held, err := c.publish(partial, f)
		_ = os.Remove(partial) // there is none after a success, and Recover removes what stays behind
		if err != nil || held == nil {
			return err
		}
		var left int
		if f, left, err = without(f, held); err != nil {
			return err
		}
		c.left += int64(left)
	}
	return nil
}

// publish moves a partial file into the data set, unless some of its offsets are in another file: then it returns
// what those files hold.
func (c *commits) publish(partial string, f finished) (held Durable, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	if _, err := c.lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("lock %s: another writer holds it (one that was paused or hangs?): %w", c.lock.Path(), err)
	}
	defer func() { err = errors.Join(err, c.lock.Unlock()) }()
	target := filepath.Join(outcomesFolder(c.dir), filepath.FromSlash(f.path))
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return nil, err
	}
	hour, err := c.look(f.hour, filepath.Dir(target))
	if err != nil {
		return nil, err
	}
	if hour.names[filepath.Base(target)] { // an earlier try got this far
		return nil, syncUp(filepath.Dir(target), c.dir)
	}
	if hour.held.overlaps(f.offsets) {
		return hour.held, nil
	}
	if err := os.Rename(partial, target); err != nil {
		return nil, err
	}
	hour.names[filepath.Base(target)] = true
	hour.held.union(f.offsets)
	return nil, syncUp(filepath.Dir(target), c.dir)
}

// look brings what is known of an hour up to date.
func (c *commits) look(hour int64, folder string) (*hourFiles, error) {
	h := c.seen[hour]
	if h == nil {
		if len(c.seen) >= seenHours {
			clear(c.seen)
		}
		h = &hourFiles{names: map[string]bool{}, held: Durable{}}
		c.seen[hour] = h
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name := entry.Name()
		if h.names[name] || entry.IsDir() || !isData(name) {
			continue
		}
		held, err := footer(filepath.Join(folder, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // compacted meanwhile: its rows are in another file of the folder
		}
		if err != nil {
			return nil, err
		}
		h.names[name] = true
		h.held.union(held)
	}
	return h, nil
}

// without returns f less the rows whose offsets are held, under the same name, and how many those are.
func without(f finished, held Durable) (finished, int, error) {
	file, err := parquet.OpenFile(bytes.NewReader(f.data), int64(len(f.data)))
	if err != nil {
		return f, 0, fmt.Errorf("read %s again: %w", f.path, err)
	}
	b := build(f.hour, f.cfg)
	rows := parquet.NewGenericReader[schemas.Outcome](file)
	left := 0
	for batch, more := make([]schemas.Outcome, rowsBatch), true; more; {
		clear(batch)
		n, err := rows.Read(batch)
		if more = !errors.Is(err, io.EOF); err != nil && more {
			return f, 0, fmt.Errorf("read %s again: %w", f.path, err)
		}
		fresh := batch[:0]
		for _, row := range batch[:n] {
			if held[row.Topic][row.Partition].Contains(row.Offset) {
				left++
			} else {
				fresh = append(fresh, row)
			}
		}
		if err := b.add(fresh); err != nil {
			return f, 0, err
		}
	}
	rest, err := b.finish(filepath.Base(f.path))
	return rest, left, err
}

// overlaps reports whether some offset is in both.
func (d Durable) overlaps(other Durable) bool {
	for topic, partitions := range other {
		for partition, offsets := range partitions {
			mine := d[topic][partition]
			for from, to := range offsets.All() {
				missing := mine.Missing(from, to)
				if missing.Count() < to-from {
					return true
				}
			}
		}
	}
	return false
}
