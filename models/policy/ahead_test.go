package policy

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A run whose logits were computed in a batch is decided as frame by frame, with the same final state.
func TestAheadDecidesLikeFrameByFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pairs(func(s *Settings) {
			s.Capacity = rapid.IntRange(1, 3).Draw(t, "capacity")
			s.Tries = rapid.IntRange(0, s.Capacity).Draw(t, "tries")
			s.Trust = rapid.SampledFrom([]float32{0, 0.7}).Draw(t, "trust")
			s.Share = rapid.SampledFrom([]float32{0, 0.1}).Draw(t, "share")
			s.Slow = rapid.SampledFrom([]float32{0, 0.95}).Draw(t, "slow")
		})
		logits := func(n int) []float32 {
			return rapid.SliceOfN(rapid.Float32Range(-9, 9), n, n).Draw(t, "logits")
		}
		run := make([]*fakeNets, rapid.IntRange(1, 8).Draw(t, "frames"))
		for i := range run {
			run[i] = &fakeNets{specialist: map[int][]float32{0: logits(3), 1: logits(3), 2: logits(3)}, selector: logits(6)}
		}
		one, other := &State{}, &State{}
		ahead := &Ahead{Of: other.Active(), Outputs: 3}
		for _, n := range run {
			ahead.Logits = append(ahead.Logits, n.specialist[ahead.Of]...)
		}
		for i, n := range run {
			want, err := p.Decide(one, n, true)
			if err != nil {
				t.Fatal(err)
			}
			n.asked = nil
			ahead.Frame, ahead.Rest = i, n
			got, err := p.Decide(other, ahead, true)
			if err != nil || got != want {
				t.Fatalf("frame %d: %+v, %v, expected %+v", i, got, err, want)
			}
			if slices.Contains(n.asked, "0") {
				t.Fatal("specialist 0 was asked again")
			}
		}
		a, _ := one.AppendBinary(nil)
		b, _ := other.AppendBinary(nil)
		if !slices.Equal(a, b) {
			t.Fatalf("%+v, expected %+v", other, one)
		}
	})
}

func TestAheadAsksTheRestBeyondItsRows(t *testing.T) {
	rest := &fakeNets{specialist: map[int][]float32{0: {7}, 1: {8}}, selector: []float32{1}, full: []float32{2}}
	a := &Ahead{Of: 0, Logits: []float32{1, 2}, Outputs: 1, Rest: rest}
	for _, c := range []struct {
		frame, specialist int
		want              float32
	}{{0, 0, 1}, {1, 0, 2}, {2, 0, 7}, {-1, 0, 7}, {0, 1, 8}} {
		a.Frame = c.frame
		if got, err := a.Specialist(c.specialist); err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	if s, err := a.Selector(); err != nil || s[0] != 1 {
		t.Error(s, err)
	}
	if f, err := a.Full(); err != nil || f[0] != 2 {
		t.Error(f, err)
	}
}
