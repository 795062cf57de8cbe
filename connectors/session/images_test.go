package session

import (
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

func rowAt(offset int64) []schemas.Outcome {
	return []schemas.Outcome{{Topic: "frames", Partition: 1, Offset: offset}}
}

func TestMemoryOfAnImageIsUsedAgainAfterItsRow(t *testing.T) {
	s := Open("images", 1<<20)
	defer s.Close()
	first := s.Image("frames", 1, 0, 50_000)
	if other := s.Image("frames", 1, 1, 50_000); &other[0] == &first[0] {
		t.Fatal("two frames share memory")
	}
	s.Release([]schemas.Outcome{{Topic: "others", Partition: 1}, {Topic: "frames", Partition: 2}})
	if other := s.Image("frames", 1, 2, 50_000); &other[0] == &first[0] {
		t.Fatal("the rows of other frames release it")
	}
	s.Release(rowAt(0))
	if far := s.Image("frames", 1, 3, 30_000); &far[0] == &first[0] {
		t.Error("an image takes memory of nearly twice its size")
	}
	again := s.Image("frames", 1, 4, 45_000)
	if &again[0] != &first[0] {
		t.Error("its memory is not used again")
	}
	if len(again) != 45_000 || cap(again) != 45_000 {
		t.Errorf("%d bytes of %d, want 45000: an append would write behind the image", len(again), cap(again))
	}
	s.Release(rowAt(0))
	if more := s.Image("frames", 1, 5, 45_000); &more[0] == &first[0] {
		t.Error("a second row released what another frame has")
	}
}

func TestMemoryOfAFrameReadTwiceIsNotUsedAgain(t *testing.T) {
	s := Open("images", 1<<20)
	defer s.Close()
	first, second := s.Image("frames", 1, 0, 50_000), s.Image("frames", 1, 0, 50_000)
	s.Release(rowAt(0))
	for offset := range int64(3) {
		if b := s.Image("frames", 1, 1+offset, 50_000); &b[0] == &first[0] || &b[0] == &second[0] {
			t.Error("the row may be that of the other one")
		}
	}
}

func TestWhereFramesAreNotHeldTheirMemoryIsNotUsedAgain(t *testing.T) {
	s := Open("images", 0)
	defer s.Close()
	first := s.Image("frames", 1, 0, 50_000)
	s.Release(rowAt(0))
	if b := s.Image("frames", 1, 1, 50_000); &b[0] == &first[0] {
		t.Error("used again")
	}
}

func TestIdleMemoryIsBounded(t *testing.T) {
	s := Open("images", 1<<20)
	defer s.Close()
	const size = 10 << 20
	for offset := range int64(12) {
		s.Image("frames", 1, offset, size)
	}
	for offset := range int64(12) {
		s.Release(rowAt(offset))
		if s.images.bytes > mostIdle {
			t.Fatalf("%d bytes are idle", s.images.bytes)
		}
	}
}
