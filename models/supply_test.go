package models

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachenet/cachenet/models/lru"
	"github.com/cachenet/cachenet/models/policy"
)

// testDepot fetches from the folder of a pack.
type testDepot struct {
	t     *testing.T
	dir   string
	files map[string]string // sha256 → path
	gate  chan struct{}     // a fetch waits for it after its response; nil: none does

	mu      sync.Mutex
	fetches map[string]int
	fail    error
}

func newDepot(t *testing.T, p *Pack) *testDepot {
	d := &testDepot{t: t, dir: t.TempDir(), files: map[string]string{}, fetches: map[string]int{}}
	for _, n := range p.Nets() {
		d.files[n.SHA256] = filepath.Join(p.Dir, n.File)
	}
	return d
}

func (d *testDepot) Blobs() string { return d.dir }

func (d *testDepot) Size(sha string) (int64, bool) {
	info, err := os.Stat(filepath.Join(d.dir, sha))
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

func (d *testDepot) Fetch(ctx context.Context, sha string, begin func(int64) error) error {
	d.mu.Lock()
	d.fetches[sha]++
	fail := d.fail
	d.mu.Unlock()
	if fail != nil {
		return fail
	}
	b, err := os.ReadFile(d.files[sha])
	if err != nil {
		return err
	}
	if err := begin(int64(len(b))); err != nil {
		return err
	}
	if d.gate != nil {
		select {
		case <-d.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return os.WriteFile(filepath.Join(d.dir, sha), b, 0o666)
}

func (d *testDepot) Remove(sha string) error {
	if err := os.Remove(filepath.Join(d.dir, sha)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func (d *testDepot) Keep(shas map[string]bool) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !shas[e.Name()] {
			if err := d.Remove(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// bytes is what lies on the disk.
func (d *testDepot) bytes() (sum int64) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			d.t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

// device runs a test on a device without nets, with room for so many specialists; 0: without a bound.
func device(t *testing.T, room int, test func(t *testing.T, d *testDepot, s *Sessions)) {
	t.Helper()
	if err := Start(); err != nil { // outside of the bubble: the runtime has threads of its own
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDepot(t, openColours(t, colours))
		s := d.sessions(t, room)
		defer s.Close()
		test(t, d, s)
	})
}

func (d *testDepot) sessions(t *testing.T, room int) *Sessions {
	t.Helper()
	p, err := OpenPackIn(colours, d)
	if err != nil {
		t.Fatal(err)
	}
	return NewSessions(p, int64(room)*(sessionBytes+specialistBytes(t, p)))
}

// specialistBytes is the size of the larger of the two specialists.
func specialistBytes(t *testing.T, p *Pack) (most int64) {
	for _, e := range p.Specialists {
		info, err := os.Stat(filepath.Join(colours, e.File))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	return most
}

// need asks a specialist as a frame does, and lets what that began come to its end.
func need(t *testing.T, s *Sessions, i int) (answered bool) {
	t.Helper()
	err := ask(t, s, s.pack, i)
	if err != nil && !errors.Is(err, policy.ErrAbsent) {
		t.Fatal(err)
	}
	if err != nil {
		s.Want(SpecialistNet(i))
	}
	synctest.Wait()
	time.Sleep(time.Second)
	return err == nil
}

// A device without nets answers nothing at first, without making a frame wait, and then what it needed.
func TestAnEmptyDeviceFillsItself(t *testing.T) {
	device(t, 0, func(t *testing.T, d *testDepot, s *Sessions) {
		d.gate = make(chan struct{})
		began := time.Now()
		for range 5 {
			if err := ask(t, s, s.pack, 0); !errors.Is(err, policy.ErrAbsent) {
				t.Fatalf("error is %v", err)
			}
			s.Want(SpecialistNet(0))
		}
		if !time.Now().Equal(began) {
			t.Error("frames waited")
		}
		close(d.gate)
		synctest.Wait()
		if !need(t, s, 0) {
			t.Error("the net did not come")
		}
		if c := s.Counts(); c.Stalls != 5 || c.Loads != 1 || c.Failures != 0 || c.Bytes == 0 || c.Held != c.Bytes || len(d.fetches) != 1 {
			t.Errorf("%+v, %v", c, d.fetches)
		}
	})
}

func TestOneOddFrameEvictsNothing(t *testing.T) {
	device(t, 1, func(t *testing.T, d *testDepot, s *Sessions) {
		for step, c := range []struct {
			specialist int
			answered   bool
		}{{0, false}, {0, true}, {1, false}, {0, true}, {1, false}, {0, true}, {1, false}, {1, false}, {1, true}, {0, false}} {
			if got := need(t, s, c.specialist); got != c.answered {
				t.Errorf("step %d: specialist %d answered: %v", step, c.specialist, got)
			}
		}
		if c := s.Counts(); c.Evictions != 1 || c.Loads != 2 || d.bytes() > s.budget || c.Held > s.budget {
			t.Errorf("%+v, %d bytes on disk of %d", c, d.bytes(), s.budget)
		}
		if _, here := d.Size(s.pack.Specialists[0].SHA256); here {
			t.Error("the net that left is still on the disk")
		}
	})
}

func TestNetsOnTheDiskAreNotFetchedAgain(t *testing.T) {
	device(t, 2, func(t *testing.T, d *testDepot, s *Sessions) {
		need(t, s, 0)
		need(t, s, 1)
		s.Close()
		next := d.sessions(t, 2)
		defer next.Close()
		if c := next.Counts(); c.Held != s.Counts().Held || c.Held != 2*sessionBytes+d.bytes() || c.Bytes != 0 {
			t.Errorf("%+v with %d bytes on disk", c, d.bytes())
		}
		need(t, next, 0)
		if !need(t, next, 0) || next.Counts().Failures != 0 {
			t.Error("it is not loaded from the disk")
		}
		small := d.sessions(t, 1)
		defer small.Close()
		if c := small.Counts(); c.Held > small.budget || d.bytes() > small.budget {
			t.Errorf("%+v, %d bytes on disk, after --cache-bytes was lowered to %d", c, d.bytes(), small.budget)
		}
		for sha, n := range d.fetches {
			if n != 1 {
				t.Errorf("%s was fetched %d times", sha, n)
			}
		}
	})
}

func TestADamagedNetIsFetchedAgain(t *testing.T) {
	device(t, 0, func(t *testing.T, d *testDepot, s *Sessions) {
		sha := s.pack.Specialists[0].SHA256
		need(t, s, 0)
		s.Close()
		if err := os.WriteFile(filepath.Join(d.dir, sha), []byte("damaged"), 0o666); err != nil {
			t.Fatal(err)
		}
		after := NewSessions(s.pack, 0) // it was opened before the damage
		defer after.Close()
		need(t, after, 0)
		if !need(t, after, 0) || d.fetches[sha] != 2 {
			t.Errorf("fetched %d times: %+v", d.fetches[sha], after.Counts())
		}
		if err := os.WriteFile(filepath.Join(d.dir, sha), []byte("damaged"), 0o666); err != nil {
			t.Fatal(err)
		}
		if d.sessions(t, 0).Close(); d.bytes() != 0 {
			t.Error("opening the pack did not remove the damaged file")
		}
	})
}

// A download that fails is tried again after a pause that grows, when frames still need the net.
func TestFailedDownloadsPause(t *testing.T) {
	device(t, 0, func(t *testing.T, d *testDepot, s *Sessions) {
		d.fail = errors.New("no route")
		sha := s.pack.Specialists[0].SHA256
		for range 100 { // a second each
			need(t, s, 0)
		}
		if n := d.fetches[sha]; n < 4 || n > 8 || s.Counts().Failures != int64(n) {
			t.Errorf("%d downloads in 100 s, %+v", n, s.Counts())
		}
		d.fail = nil
		time.Sleep(supplyLast)
		need(t, s, 0)
		if !need(t, s, 0) {
			t.Error("it was given up for good")
		}
	})
}

// What is only likely to be needed takes free room, and nothing else.
func TestLikelyNetsTakeSpareRoom(t *testing.T) {
	for room, here := range map[int]bool{1: false, 2: true} {
		device(t, room, func(t *testing.T, d *testDepot, s *Sessions) {
			need(t, s, 0)
			for range 3 {
				s.Expect(SpecialistNet(1))
				synctest.Wait()
				time.Sleep(time.Second)
			}
			if s.Here(SpecialistNet(1)) != here || !s.Here(SpecialistNet(0)) || s.Counts().Evictions != 0 {
				t.Errorf("room for %d: %+v", room, s.Counts())
			}
		})
	}
}

// A device that is closed in the midst of a download ends it.
func TestCloseEndsDownloads(t *testing.T) {
	device(t, 0, func(t *testing.T, d *testDepot, s *Sessions) {
		d.gate = make(chan struct{})
		s.Want(SpecialistNet(0))
		synctest.Wait()
		s.Close()
		s.Want(SpecialistNet(0))
		synctest.Wait()
		if c := s.Counts(); c.Loads != 0 || c.Failures != 0 || c.Bytes != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// Whatever frames need, disk and memory stay within the bytes, and what is loaded answers.
func TestTheDeviceKeepsToItsBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for range 5 {
		device(t, 1, func(t *testing.T, d *testDepot, s *Sessions) {
			for range 60 {
				i := random.IntN(2)
				if random.IntN(4) == 0 {
					s.Expect(SpecialistNet(i))
				} else {
					need(t, s, i)
				}
				time.Sleep(time.Duration(random.IntN(3)) * lru.Correlated / 2)
				synctest.Wait()
				if c := s.Counts(); c.Held > s.budget || c.Bytes > s.budget || d.bytes() > s.budget || c.Held < c.Bytes {
					t.Fatalf("%+v and %d bytes on disk, with %d allowed", c, d.bytes(), s.budget)
				}
			}
			if c := s.Counts(); c.Loads < 2 || c.Stalls == 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestAPackInADepotNeedsItsManifest(t *testing.T) {
	d := newDepot(t, openColours(t, colours))
	if _, err := OpenPackIn(t.TempDir(), d); err == nil || !strings.Contains(err.Error(), "manifest.json") {
		t.Errorf("error is %v", err)
	}
	p, err := OpenPackIn(colours, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(); err != nil {
		t.Errorf("a pack without files yet: %v", err)
	}
}
