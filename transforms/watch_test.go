package transforms

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openWatch(t *testing.T, suspects ...Place) (*Watch, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "watch")
	w, err := OpenWatch(t.Name(), path, suspects)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := CloseWatch(t.Name()); err != nil {
			t.Error(err)
		}
	})
	return w, path
}

// marked reads the file as the next process would.
func marked(t *testing.T, path string) []Place {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Watched(b)
}

func TestFramesAreMarkedWhileTheyAreLookedAt(t *testing.T) {
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

func TestASuspectIsLookedAtAlone(t *testing.T) {
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
							t.Errorf("%d others at work, marked %v", n, all)
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

// Damaged files name nobody or somebody, and never end the process.
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
