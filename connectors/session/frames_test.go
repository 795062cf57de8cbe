package session

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

func TestHeldFramesTravelAsANumber(t *testing.T) {
	s := Open("held", 1<<20)
	defer s.Close()
	frames := []schemas.Frame{{Stream: "cam", Offset: 1, Image: []byte("one")}, {Stream: "cam", Offset: 2}}
	run := s.Hold(schemas.Run{Frames: frames})
	if run.Held == 0 || run.Frames != nil {
		t.Fatalf("the element is %+v: it contains the frames", run)
	}
	encoded, err := run.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(encoded) > 16 {
		t.Errorf("the element takes %d bytes", len(encoded))
	}
	var arrived schemas.Run
	if _, err := arrived.UnmarshalMsg(encoded); err != nil {
		t.Fatal(err)
	}
	got, err := s.Take(arrived)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(frames, got.Frames); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Take(arrived); err == nil {
		t.Error("the frames were handed out twice")
	}
}

// Whoever looks at frames sees them whether they travel as a number or whole.
func TestFramesAreShownBeforeTheyTravel(t *testing.T) {
	for _, credit := range []int64{0, 1 << 20} {
		s := Open("shown", credit)
		defer s.Close()
		var shown []schemas.Frame
		s.Hold(schemas.Run{Frames: []schemas.Frame{{Stream: "cam", Offset: 1}}})
		s.OnFrames(func(frames []schemas.Frame) { shown = append(shown, frames...) })
		frames := []schemas.Frame{{Stream: "cam", Offset: 2, Image: []byte("two")}}
		s.Hold(schemas.Run{Frames: frames})
		if diff := cmp.Diff(frames, shown); diff != "" {
			t.Errorf("credit %d: %s", credit, diff)
		}
	}
}

// Without credit the runner's own flow control applies, and it may retry bundles.
func TestFramesThatAreNotHeldTravelWhole(t *testing.T) {
	s := Open("carried", 0)
	defer s.Close()
	frames := []schemas.Frame{{Stream: "cam", Offset: 1, Image: []byte("one")}}
	run := s.Hold(schemas.Run{Frames: frames})
	for range 2 {
		got, err := s.Take(run)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(frames, got.Frames); diff != "" {
			t.Error(diff)
		}
	}
}

func TestASourceWaitsWhileTheSessionIsFull(t *testing.T) {
	s := Open("roomy", 100*(FrameCost+10))
	defer s.Close()
	s.Read(100, 1000)
	for written := range 100 {
		if got, want := s.Roomy(), written > 25; got != want {
			t.Fatalf("%d of 100 frames written: roomy is %v", written, got)
		}
		s.Written(1, 10)
	}
	if !Open("unlimited", 0).Roomy() {
		t.Error("a session without credit has no room")
	}
}
