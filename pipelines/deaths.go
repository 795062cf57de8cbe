package pipelines

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// setAsideAfter is how often a process may die of a frame before the frame gets no further look.
const setAsideAfter = 3

// deaths counts, by partition and offset, how often a process died while it looked at a frame that has no row yet.
type deaths map[int32]map[int64]int

// watchFile returns the file in which one process of the group marks what it looks at.
func (j job) watchFile(id string) string { return parquetio.PrivatePath(j.Out, "watch-"+j.Group+"-"+id) }

// watchID is part of the name of such a file.
func watchID() string { return rand.Text()[:10] }

// watchFiles returns those that are there.
func (j job) watchFiles() ([]string, error) {
	folder, prefix := filepath.Split(j.watchFile(""))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		// the length tells the group "g" from the group "g-2"
		if strings.HasPrefix(e.Name(), prefix) && len(e.Name()) == len(prefix)+len(watchID()) {
			all = append(all, filepath.Join(folder, e.Name()))
		}
	}
	return all, nil
}

// autopsy adds up what dead processes of the group left behind. Their files stay until every frame in them is done,
// so the members of a group may look at them at the same time.
func (j job) autopsy(k known) (deaths, error) {
	d := deaths{}
	left, err := j.watchFiles()
	if err != nil {
		return nil, fmt.Errorf("find out what a process died of: %w", err)
	}
	for _, path := range left {
		if err := d.examine(path, k.done); err != nil {
			return nil, fmt.Errorf("find out what a process died of: %w", err)
		}
	}
	return d, nil
}

// examine counts what a process was looking at when it died, less what is done. Where nothing is left to count it
// removes the file. It passes over the file of a process that lives.
func (d deaths) examine(path string, done map[int32]schemas.Offsets) error {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY)) // not recreated where another has removed it
	dead, err := lock.TryRLock()                        // others may look at it too
	if errors.Is(err, fs.ErrNotExist) || err == nil && !dead {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	counted := false
	for _, p := range transforms.Watched(text) {
		if done[p.Partition].Contains(p.Offset) {
			continue
		}
		if d[p.Partition] == nil {
			d[p.Partition] = map[int64]int{}
		}
		d[p.Partition][p.Offset]++
		counted = true
		slog.Warn("a process died while it looked at a frame", "partition", p.Partition, "offset", p.Offset, "times", d[p.Partition][p.Offset])
	}
	if counted {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// setAside returns the frames of a partition that get no further look.
func (d deaths) setAside(partition int32) schemas.Offsets {
	var o schemas.Offsets
	for offset, times := range d[partition] {
		if times >= setAsideAfter {
			o.Add(offset, offset+1)
		}
	}
	return o
}

// suspects returns the others.
func (d deaths) suspects() []transforms.Place {
	var all []transforms.Place
	for partition, offsets := range d {
		for offset, times := range offsets {
			if times < setAsideAfter {
				all = append(all, transforms.Place{Partition: partition, Offset: offset})
			}
		}
	}
	return all
}

// watchLock is held as long as the job's watch file is written to; it is closed after the file.
type watchLock struct{ *flock.Flock }

// watch marks what the job looks at in a file that tells of its death.
func (j job) watch(link *session.Session, d deaths) error {
	path := j.watchFile(watchID())
	made := path + ".new" // until it is locked: without its lock it would pass for that of a dead process
	lock := flock.New(made)
	_, err := session.Part(link, "pipelines.watchLock", func() (watchLock, error) {
		_, err := lock.TryLock()
		return watchLock{lock}, err
	})
	if err == nil {
		err = os.Rename(made, path)
	}
	if err != nil {
		return fmt.Errorf("watch frames: %w", err)
	}
	return transforms.OpenWatch(link, path, d.suspects())
}
