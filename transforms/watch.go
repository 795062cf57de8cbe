package transforms

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

const watchPart = "transforms.Watch"

// Watch marks in a mapped file which frames are being looked at, so that a process that crashes on one leaves its
// place behind: the file's pages survive the process. Marking a frame costs two stores to memory.
type Watch struct {
	suspects map[Place]bool
	alone    sync.RWMutex // held for writing while a suspect is looked at, and by Close
	closed   bool         // under alone

	mu   sync.Mutex
	file *os.File
	page []byte
	free []int // slots not in use
}

// Place is where a frame was read, within the topic of the job.
type Place struct {
	Partition int32
	Offset    int64
}

const (
	slotBytes = 16   // partition+1, or 0; offset
	slots     = 4096 // frames looked at once, at most
)

// OpenWatch marks the frames of the job in the file path, which it creates or overwrites. A frame among suspects is
// looked at while no other is, so that another death names it alone. The file is closed with the session, and removed
// unless marks are left in it.
func OpenWatch(job *session.Session, path string, suspects []Place) error {
	_, err := session.Part(job, watchPart, func() (*Watch, error) { return newWatch(path, suspects) })
	return err
}

func newWatch(path string, suspects []Place) (*Watch, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, fmt.Errorf("record frames in process: %w", err)
	}
	w := &Watch{file: f, suspects: map[Place]bool{}}
	// written, not truncated to size: a store into a page without a block on disk would end the process when the disk is full
	if _, err = f.Write(make([]byte, slots*slotBytes)); err == nil {
		w.page, err = syscall.Mmap(int(f.Fd()), 0, slots*slotBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("record frames in process: map %s: %w", path, err)
	}
	for _, p := range suspects {
		w.suspects[p] = true
	}
	for i := range slots {
		w.free = append(w.free, slots-1-i)
	}
	return w, nil
}

// Close waits for the frames that are being looked at and ends the marking; the session calls it. The file stays
// where marks are left, of frames that a panic passed through, for the next job to count.
func (w *Watch) Close() error {
	w.alone.Lock()
	defer w.alone.Unlock()
	w.closed = true
	marked := len(Watched(w.page)) > 0
	err := errors.Join(syscall.Munmap(w.page), w.file.Close())
	w.page = nil
	if !marked {
		err = errors.Join(err, os.Remove(w.file.Name()))
	}
	return err
}

// Watched returns the frames that were being looked at when the process that wrote the file died.
func Watched(file []byte) []Place {
	var all []Place
	for ; len(file) >= slotBytes; file = file[slotBytes:] {
		if p := binary.LittleEndian.Uint64(file); p != 0 {
			all = append(all, Place{Partition: int32(p - 1), Offset: int64(binary.LittleEndian.Uint64(file[8:]))})
		}
	}
	return all
}

// suspect reports whether an earlier process may have crashed on the frame.
func (w *Watch) suspect(p Place) bool { return w != nil && w.suspects[p] }

// look calls do with the places marked. Where a panic passes through, the marks stay.
func (w *Watch) look(places []Place, do func()) {
	if w == nil {
		do()
		return
	}
	if len(places) == 1 && w.suspects[places[0]] {
		w.alone.Lock()
		defer w.alone.Unlock()
	} else {
		w.alone.RLock()
		defer w.alone.RUnlock()
	}
	if w.closed {
		do()
		return
	}
	taken := w.take(len(places))
	for i, slot := range taken {
		b := w.page[slot*slotBytes:]
		binary.LittleEndian.PutUint64(b[8:], uint64(places[i].Offset))
		binary.LittleEndian.PutUint64(b, uint64(places[i].Partition)+1)
	}
	do()
	for _, slot := range taken {
		binary.LittleEndian.PutUint64(w.page[slot*slotBytes:], 0)
	}
	w.give(taken)
}

// take returns n free slots, fewer when there are not so many.
func (w *Watch) take(n int) []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := max(0, len(w.free)-n)
	taken := append([]int(nil), w.free[at:]...)
	w.free = w.free[:at]
	return taken
}

func (w *Watch) give(slots []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free = append(w.free, slots...)
}

func placeOf(o *schemas.Outcome) Place { return Place{o.Partition, o.Offset} }
