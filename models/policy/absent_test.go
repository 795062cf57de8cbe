package policy

import (
	"slices"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// lacking is nets of which some are not on this machine.
type lacking struct {
	fakeNets
	absent   []int
	selector bool // is absent
}

func (l *lacking) Specialist(i int) ([]float32, error) {
	if slices.Contains(l.absent, i) {
		return nil, ErrAbsent
	}
	return l.fakeNets.Specialist(i)
}

func (l *lacking) Selector() ([]float32, error) {
	if l.selector {
		return nil, ErrAbsent
	}
	return l.fakeNets.Selector()
}

// A frame whose specialist is absent is a miss that teaches as any other does, and is not held against the specialist.
func TestAnAbsentSpecialistIsAMiss(t *testing.T) {
	p := pairs(nil)
	p.Cost = 0.5 // so that a low hit rate sends the stream to the full model
	n := &lacking{absent: []int{0, 1, 2}, fakeNets: fakeNets{specialist: map[int][]float32{1: {9, 0, 0}}, selector: []float32{0, 0, 9, 0, 0, 0}}}
	s := &State{}
	for range 10 * fairFrames {
		d, err := p.Decide(s, n, true)
		if err != nil {
			t.Fatal(err)
		}
		if d.Hit || d.Asked || s.Trust.Mode != answering {
			t.Fatalf("%+v, %+v", d, s.Trust)
		}
	}
	if s.Active() != 1 || s.Window[2] < 0.9 {
		t.Errorf("the misses did not teach: active %d, window %v", s.Active(), s.Window)
	}
	n.absent = nil
	if d, err := p.Decide(s, n, true); err != nil || !d.Hit || d.Specialist != 1 {
		t.Errorf("once it is here: %+v, %v", d, err)
	}
}

// What else the stream holds is asked.
func TestAnotherHeldSpecialistAnswers(t *testing.T) {
	p := pairs(func(s *Settings) { s.Capacity, s.Tries = 2, 2 })
	n := &lacking{absent: []int{1}, fakeNets: fakeNets{specialist: map[int][]float32{0: {9, 0, 0}}, selector: []float32{9, 0, 0, 0, 0, 0}}}
	s := &State{}
	s.start(p)
	s.Cached = []int{1, 0}
	if d, err := p.Decide(s, n, true); err != nil || !d.Hit || d.Specialist != 0 || d.CacheEvent != schemas.CacheSwap {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestAnAbsentSelectorTeachesNothing(t *testing.T) {
	p := pairs(nil)
	n := &lacking{selector: true, fakeNets: fakeNets{specialist: map[int][]float32{0: {0, 0, 9}}}}
	s := &State{}
	s.start(p)
	before := slices.Clone(s.Window)
	d, err := p.Decide(s, n, true)
	if err != nil || d.Hit || d.Answered || !slices.Equal(s.Window, before) || s.Active() != 0 {
		t.Errorf("%+v, %v, window %v", d, err, s.Window)
	}
}

// A bypassed stream is not compared with a specialist that is absent.
func TestAnAbsentSpecialistIsNotCompared(t *testing.T) {
	p := global(func(s *Settings) { s.Teacher, s.MaxFalseHits = Inline, 0.1 })
	n := &lacking{absent: []int{0}, fakeNets: fakeNets{full: []float32{9, 0, 0, 0}}}
	s := &State{}
	s.start(p)
	s.Trust.enter(distrust)
	for range 500 {
		if d, err := p.Decide(s, n, true); err != nil || !d.Answered || s.Trust.Mode != distrust || s.Trust.Right != 0 {
			t.Fatalf("%+v, %v, %+v", d, err, s.Trust)
		}
	}
}

func TestLikelyIsWhatTheWindowHoldsMostOf(t *testing.T) {
	p, s := pairs(nil), &State{}
	any := func(int) bool { return true }
	if i := p.Likely(s, any); i != -1 {
		t.Errorf("%d of a stream not seen yet", i)
	}
	s.start(p)
	s.Window = []float32{0.6, 0, 0, 0.1, 0.3, 0}
	for _, c := range []struct {
		not  []int
		want int
	}{{nil, 0}, {[]int{0}, 2}, {[]int{0, 2}, 1}, {[]int{0, 1, 2}, -1}} {
		if got := p.Likely(s, func(i int) bool { return !slices.Contains(c.not, i) }); got != c.want {
			t.Errorf("without %v it is %d, expected %d", c.not, got, c.want)
		}
	}
}
