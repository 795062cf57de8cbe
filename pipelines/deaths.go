package pipelines

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// setAsideAfter is how often a process may die of a frame before the frame gets no further look.
const setAsideAfter = 3

// deaths counts, by partition and offset, how often a process died while it looked at a frame that has no row yet.
type deaths map[int32]map[int64]int

func (j job) deathsName() string { return "deaths-" + j.Group + ".json" }

// watchFile returns the file in which one process of the group marks what it looks at.
func (j job) watchFile(id string) string { return parquetio.Beside(j.Out, "watch-"+j.Group+"-"+id) }

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

// autopsy adds up what dead processes of the group left behind, forgets frames that are done, and keeps the count.
func (j job) autopsy(k known) (deaths, error) {
	d := deaths{}
	text, err := parquetio.ReadBeside(j.Out, j.deathsName())
	if err != nil {
		return nil, err
	}
	if text != nil {
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, fmt.Errorf("read %s: %w: remove it", parquetio.Beside(j.Out, j.deathsName()), err)
		}
	}
	left, err := j.watchFiles()
	if err != nil {
		return nil, fmt.Errorf("find out what a process died of: %w", err)
	}
	for _, path := range left {
		if err := d.bury(path); err != nil {
			return nil, fmt.Errorf("find out what a process died of: %w", err)
		}
	}
	d.forget(k.done)
	if len(d) == 0 {
		return d, parquetio.RemoveBeside(j.Out, j.deathsName())
	}
	if text, err = json.Marshal(d); err != nil {
		return nil, err
	}
	return d, parquetio.WriteBeside(j.Out, j.deathsName(), text)
}

// bury counts what a process left in its file and removes it, unless that process lives.
func (d deaths) bury(path string) error {
	lock := flock.New(path)
	dead, err := lock.TryLock()
	if err != nil || !dead {
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
	for _, p := range transforms.Watched(text) {
		if d[p.Partition] == nil {
			d[p.Partition] = map[int64]int{}
		}
		d[p.Partition][p.Offset]++
		slog.Warn("a process died while it looked at a frame", "partition", p.Partition, "offset", p.Offset, "times", d[p.Partition][p.Offset])
	}
	return os.Remove(path)
}

// forget drops the frames that are done.
func (d deaths) forget(done map[int32]schemas.Offsets) {
	for partition, offsets := range d {
		for offset := range offsets {
			if done[partition].Contains(offset) {
				delete(offsets, offset)
			}
		}
		if len(offsets) == 0 {
			delete(d, partition)
		}
	}
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

// watch marks what the job looks at in a file that tells of its death. end closes it after a job that ended well;
// after another the marks stay until the process ends, since its transforms may still be at work.
func (j job) watch(id string, d deaths) (end func() error, err error) {
	path := j.watchFile(watchID())
	lock := flock.New(path)
	if _, err := lock.TryLock(); err != nil {
		return nil, fmt.Errorf("watch frames: %w", err)
	}
	if _, err := transforms.OpenWatch(id, path, d.suspects()); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return func() error {
		return errors.Join(transforms.CloseWatch(id), os.Remove(path), lock.Unlock())
	}, nil
}
