package transforms

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/session"
)

func openWatch(t *testing.T, suspects ...Place) (*Watch, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "watch")
	w, err := newWatch(path, suspects)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, path
}

// marked reads the file like the next process.
func marked(t *testing.T, path string) []Place {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Watched(b)
}

func TestFramesAreMarkedWhileProcessed(t *testing.T) {
	w, path := openWatch(t)
	places := []Place{{0, 0}, {0, 1 << 40}, {7, 3}}
	w.look(places, func() {
		got := marked(t, path)
		slices.SortFunc(got, func(a, b Place) int { return int(a.Partition-b.Partition)*2 + int(min(a.Offset, 1)-min(b.Offset, 1)) })
		if diff := cmp.Diff(places, got); diff != "" {
			t.Error(diff)
		}
	})
	if left := marked(t, path); left != nil {
		t.Errorf("marked afterwards: %v", left)
	}
	func() {
		defer func() { recover() }()
		w.look(places[:1], func() { panic("a net") })
	}()
	if diff := cmp.Diff(places[:1], marked(t, path)); diff != "" {
		t.Errorf("after a panic: %s", diff)
	}
}

func TestASuspectIsProcessedAlone(t *testing.T) {
	suspect := Place{1, 5}
	w, path := openWatch(t, suspect)
	var others atomic.Int64
	var wg sync.WaitGroup
	for p := range int32(8) {
		wg.Go(func() {
			for o := range int64(200) {
				place := Place{p, o}
				w.look([]Place{place}, func() {
					if place == suspect {
						if n, all := others.Load(), marked(t, path); n != 0 || len(all) != 1 {
							t.Errorf("%d others processing, marked %v", n, all)
						}
						return
					}
					others.Add(1)
					others.Add(-1)
				})
			}
		})
	}
	wg.Wait()
}

// A job that ends removes its file, unless a frame is left in it; frames processed later are not marked.
func TestAWatchEndsWithItsJob(t *testing.T) {
	for name, panics := range map[string]bool{"well": false, "with a panic": true} {
		t.Run(name, func(t *testing.T) {
			job := session.Open("job", 0)
			path := filepath.Join(t.TempDir(), "watch")
			if err := OpenWatch(job, path, nil); err != nil {
				t.Fatal(err)
			}
			_, _, w, err := attached(job.ID())
			if err != nil || w == nil {
				t.Fatalf("watch %v, error %v", w, err)
			}
			func() {
				defer func() { recover() }()
				w.look([]Place{{1, 2}}, func() {
					if panics {
						panic("a net")
					}
				})
			}()
			started, ended := make(chan struct{}), make(chan struct{})
			go w.look([]Place{{3, 4}}, func() { close(started); <-ended })
			<-started
			closed := make(chan error, 1)
			go func() { closed <- job.Close() }()
			close(ended)
			if err := <-closed; err != nil {
				t.Fatal(err)
			}
			late := false
			w.look([]Place{{5, 6}}, func() { late = true })
			if _, _, _, err := attached(job.ID()); !late || !errors.Is(err, session.ErrClosed) {
				t.Errorf("a late frame was processed: %v, error %v", late, err)
			}
			if !panics {
				if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the file exists: %v", err)
				}
			} else if diff := cmp.Diff([]Place{{1, 2}}, marked(t, path)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A damaged file yields some places or none, and never ends the process.
func FuzzWatched(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, slotBytes))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := len(Watched(b)); n > len(b)/slotBytes {
			t.Errorf("%d frames in %d bytes", n, len(b))
		}
	})
}
