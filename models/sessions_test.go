package models

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func openColours(t *testing.T, dir string) *Pack {
	t.Helper()
	p, err := OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ask(t *testing.T, s *Sessions, p *Pack, i int) error {
	t.Helper()
	_, _, err := s.Run(SpecialistNet(i), p.Specialists[i], make([]byte, p.Input.Bytes()), 1)
	return err
}

func TestSessionsAreLoadedOnce(t *testing.T) {
	p := openColours(t, colours)
	s := NewSessions(p, 0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				if err := ask(t, s, p, i%2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if c := s.Counts(); c.Loads != 2 || c.Evictions != 0 || c.Bytes < 2*sessionBytes {
		t.Errorf("%+v", c)
	}
}

// With room for one specialist the least recently used one is evicted; the full model stays, whatever its size.
func TestTheBudgetEvictsTheLeastRecentlyUsed(t *testing.T) {
	p := openColours(t, colours)
	s := NewSessions(p, 2*sessionBytes+10_000)
	if _, _, err := s.Run(FullNet, p.Full, make([]byte, p.Input.Bytes()), 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ask              int
		loads, evictions int64
	}{{0, 2, 0}, {0, 2, 0}, {1, 3, 1}, {1, 3, 1}, {0, 4, 2}} {
		if err := ask(t, s, p, c.ask); err != nil {
			t.Fatal(err)
		}
		if got := s.Counts(); got.Loads != c.loads || got.Evictions != c.evictions || got.Bytes > 2*sessionBytes+10_000 {
			t.Errorf("after specialist %d: %+v, expected %d loads and %d evictions", c.ask, got, c.loads, c.evictions)
		}
	}
}

// A net evicted while it answers still gives every caller its answer.
func TestEvictionDoesNotDisturbAnswers(t *testing.T) {
	p := openColours(t, colours)
	s := NewSessions(p, 1)
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			for i := range 30 {
				if err := ask(t, s, p, (i+g)%2); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if c := s.Counts(); c.Evictions == 0 || c.Failures != 0 {
		t.Errorf("%+v", c)
	}
}

func TestALoadThatFailedIsTriedAgain(t *testing.T) {
	dir := copyPack(t)
	p := openColours(t, dir)
	s := NewSessions(p, 0)
	now := time.Unix(0, 0)
	s.now = func() time.Time { return now }
	file := filepath.Join(dir, "specialists/00.onnx")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	if err := ask(t, s, p, 0); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Fatalf("error is %v", err)
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	if err := ask(t, s, p, 0); err == nil {
		t.Error("retried at once")
	}
	now = now.Add(retryFirst)
	if err := ask(t, s, p, 0); err != nil {
		t.Errorf("not retried: %v", err)
	}
	if c := s.Counts(); c.Failures != 1 || c.Loads != 1 {
		t.Errorf("%+v", c)
	}
}

func TestThrashingIsLoggedRarely(t *testing.T) {
	var th thrash
	now, told := time.Unix(100, 0), 0
	for range 600 { // ten evictions a second, for a minute
		now = now.Add(100 * time.Millisecond)
		th.load(now)
		if th.evict(now) {
			told++
		}
	}
	if told != 1 {
		t.Errorf("logged %d times in a minute", told)
	}
	th = thrash{}
	for range 100 { // one eviction in two seconds
		now = now.Add(2 * time.Second)
		th.load(now)
		if th.evict(now) {
			t.Fatal("logged a few evictions")
		}
	}
}
