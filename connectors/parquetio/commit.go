package parquetio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"

	"github.com/cachenet/cachenet/schemas"
)

const (
	seenHours = 4 * maxOpen // hours whose files are remembered
	rowsBatch = 256
)

// commits puts files into a data set that other processes write to at the same time. The files of an hour are
// numbered, and a number is taken once: a file appears by link(2), which fails if the name exists. Whoever adds
// one has looked at all before it; a number gone meanwhile means that there is one more to look at. Rows whose
// offsets another file holds are left out. So an offset gets one row whatever a process believes to own, after a
// pause of any length, and no process waits for another: there is no lock that a paused process could hold. Rows of one
// offset always meet in one hour, since the hour is the record's.
type commits struct {
	dir    string
	seen   map[int64]*hourFiles
	linked string // path of the last finished file that became part of the data set
	left   int64  // rows left out so far
	added  Tally  // of the last file that became part of the data set
}

// hourFiles is what is known of the files of one hour.
type hourFiles struct {
	folder string
	next   int             // the lowest number not looked at
	others map[string]bool // files without a number that were looked at
	held   Durable
}

func newCommits(dir string) *commits {
	return &commits{dir: dir, seen: map[int64]*hourFiles{}}
}

// store is the package's store for a shared data set.
func (c *commits) store(f finished) error {
	folder := filepath.Join(outcomesFolder(c.dir), filepath.FromSlash(folderOf(f.hour)))
	if c.linked == f.path { // an earlier try got this far
		return syncUp(folder, c.dir)
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	hour, err := c.look(f.hour, folder)
	if err != nil {
		return err
	}
	c.added = Tally{}
	for added := false; !added && len(f.offsets) > 0; {
		if hour.held.overlaps(f.offsets) {
			var left int
			if f, left, err = without(f, hour.held); err != nil {
				return err
			}
			c.left += int64(left)
		} else if added, err = c.add(hour, f); err != nil {
			return err
		}
	}
	c.linked = f.path
	return syncUp(folder, c.dir) // the files of others too that hold what was left out
}

// add makes a file the next one of its hour; it reports false when one that came before holds some of its offsets.
func (c *commits) add(h *hourFiles, f finished) (bool, error) {
	partial, err := writePartial(c.dir, filepath.Base(f.path), f.data)
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(partial) }() // Recover removes what stays behind
	for !h.held.overlaps(f.offsets) {
		err := os.Link(partial, filepath.Join(h.folder, numbered(h.next)))
		if err == nil {
			h.next++
			h.held.union(f.offsets)
			c.added = f.tally
			return true, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return false, err
		}
		if err := h.read(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// numbered names the file of an hour that has a number.
func numbered(n int) string { return fmt.Sprintf("shared-%09d.parquet", n) }

// numberOf returns the number of a file, -1 for one that has none.
func numberOf(name string) int {
	var n int
	if _, err := fmt.Sscanf(name, "shared-%d.parquet", &n); err != nil || name != numbered(n) {
		return -1
	}
	return n
}

// look brings what is known of an hour up to date.
func (c *commits) look(hour int64, folder string) (*hourFiles, error) {
	h := c.seen[hour]
	if h == nil {
		if len(c.seen) >= seenHours {
			clear(c.seen)
		}
		h = &hourFiles{folder: folder, others: map[string]bool{}, held: Durable{}}
		c.seen[hour] = h
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	last := -1
	for _, entry := range entries {
		name := entry.Name()
		if n := numberOf(name); n >= 0 {
			last = max(last, n)
		} else if !h.others[name] && !entry.IsDir() && isData(name) {
			if err := h.hold(name); err != nil {
				return nil, err
			}
			h.others[name] = true
		}
	}
	for h.next <= last { // a listing may lack a file that came while it was made: the numbers do not
		if err := h.read(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// read looks at the file with the number next.
func (h *hourFiles) read() error {
	if err := h.hold(numbered(h.next)); err != nil {
		return err
	}
	h.next++
	return nil
}

// hold adds what a file of the hour holds. One that is gone was compacted: its rows are in another one.
func (h *hourFiles) hold(name string) error {
	held, err := footer(filepath.Join(h.folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	h.held.union(held)
	return nil
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
