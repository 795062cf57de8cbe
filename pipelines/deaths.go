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

// quarantineAfter is how many crashes of a process on a frame lead to its quarantine.
const quarantineAfter = 3

// deaths counts, by partition and offset, how often a process crashed while it processed a frame that has no row yet.
type deaths map[int32]map[int64]int

// watchPrefix begins the paths of the files in which processes mark the frames of topic that they process.
func watchPrefix(dir, topic string) string {
	return parquetio.PrivatePath(dir, "watch-"+parquetio.FileName(topic)+"-")
}

// watchID ends such a path.
func watchID() string { return rand.Text()[:10] }

// watchFilesOf returns the files that are there.
func watchFilesOf(dir, topic string) ([]string, error) {
	folder, prefix := filepath.Split(watchPrefix(dir, topic))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		// the length tells the topic "t" from the topic "t-2"
		if strings.HasPrefix(e.Name(), prefix) && len(e.Name()) == len(prefix)+len(watchID()) {
			all = append(all, filepath.Join(folder, e.Name()))
		}
	}
	return all, nil
}

// countDeaths adds up what dead processes left behind, less what is done. Their files stay until every frame in them is
// done, so the members of a group may read them at the same time.
func countDeaths(dir, topic string, done map[int32]schemas.Offsets) (deaths, error) {
	d := deaths{}
	left, err := watchFilesOf(dir, topic)
	if err != nil {
		return nil, fmt.Errorf("find the frames that a process crashed on: %w", err)
	}
	for _, path := range left {
		if err := d.count(path, done); err != nil {
			return nil, fmt.Errorf("find the frames that a process crashed on: %w", err)
		}
	}
	return d, nil
}

// count counts the frames that a process was processing when it crashed, less what is done. Where nothing is left to count it
// removes the file. It skips the file of a live process.
func (d deaths) count(path string, done map[int32]schemas.Offsets) error {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY)) // not created where another process has removed it
	dead, err := lock.TryRLock()                        // other members may read it too
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
		slog.Warn("a process crashed while it processed a frame", "partition", p.Partition, "offset", p.Offset, "times", d[p.Partition][p.Offset])
	}
	if counted {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// quarantined returns the frames of a partition that are in quarantine.
func (d deaths) quarantined(partition int32) schemas.Offsets {
	var o schemas.Offsets
	for offset, times := range d[partition] {
		if times >= quarantineAfter {
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
			if times < quarantineAfter {
				all = append(all, transforms.Place{Partition: partition, Offset: offset})
			}
		}
	}
	return all
}

// watchLock is held as long as the job's watch file is written to; it is closed after the file.
type watchLock struct{ *flock.Flock }

// markFrames marks the frames that the job processes, in a file that outlives the process.
func markFrames(job *session.Session, dir, topic string, suspects []transforms.Place) error {
	path := watchPrefix(dir, topic) + watchID()
	unlocked := path + ".new" // without its lock it would look like the file of a crashed process
	lock := flock.New(unlocked)
	_, err := session.Part(job, "pipelines.watchLock", func() (watchLock, error) {
		_, err := lock.TryLock()
		return watchLock{lock}, err
	})
	if err == nil {
		err = os.Rename(unlocked, path)
	}
	if err != nil {
		return fmt.Errorf("record frames in process: %w", err)
	}
	return transforms.OpenWatch(job, path, suspects)
}
