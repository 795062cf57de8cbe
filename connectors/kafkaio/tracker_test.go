package kafkaio

import (
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/rtrackers/offsetrange"
	"github.com/cachenet/cachenet/schemas"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever splits a runner requests, the resulting restrictions claim every offset once.
func TestTrackerClaimsEveryOffsetOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.SampledFrom([]int64{0, 1, 10, Unbounded}).Draw(t, "end")
		rest := offsetrange.Restriction{End: end}
		last := min(end, 30) // read up to here, then drain
		next := int64(0)
		for next < last {
			tr := tracker{offsetrange.NewTracker(rest)}
			var residual any
			for residual == nil && next < last {
				if rapid.Bool().Draw(t, "split") {
					fraction := rapid.SampledFrom([]float64{0, 0.3, 0.5, 1}).Draw(t, "fraction")
					_, r, err := tr.TrySplit(fraction)
					if err != nil {
						t.Fatal(err)
					}
					residual = r
					continue
				}
				if !tr.TryClaim(next) {
					t.Fatalf("offset %d of %v refused", next, tr.GetRestriction())
				}
				next++
			}
			if residual == nil {
				break
			}
			if !tr.IsDone() || tr.TryClaim(next) {
				t.Fatalf("not done at its checkpoint: %v", tr)
			}
			rest = residual.(offsetrange.Restriction)
			if rest.Start != next || rest.End != end {
				t.Fatalf("residual %v, want [%d, %d)", rest, next, end)
			}
		}
		if tr := (tracker{offsetrange.NewTracker(rest)}); rest.Start < rest.End && (tr.TryClaim(rest.End) || !tr.IsDone() || tr.GetError() != nil) {
			t.Fatalf("not done when drained: %v", tr)
		}
	})
}

func TestTrackerBounded(t *testing.T) {
	if (tracker{offsetrange.NewTracker(offsetrange.Restriction{End: Unbounded})}).IsBounded() {
		t.Error("an endless span is bounded")
	}
	if !(tracker{offsetrange.NewTracker(offsetrange.Restriction{End: 5})}).IsBounded() {
		t.Error("a span with an end is unbounded")
	}
}

func TestGroupKeepsTheOrderOfEachStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		streams := rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "c", ""})).Draw(t, "streams")
		length := rapid.IntRange(1, 5).Draw(t, "length")
		want := map[string][]int64{}
		frames := make([]schemas.Frame, len(streams))
		for i, s := range streams {
			frames[i] = schemas.Frame{Stream: s, Offset: int64(i)}
			want[s] = append(want[s], int64(i))
		}
		got := map[string][]int64{}
		runs := 0
		for _, r := range group(frames, length) {
			if len(r) == 0 || len(r) > length {
				t.Fatalf("a run of %d frames", len(r))
			}
			for _, f := range r {
				if f.Stream != r[0].Stream {
					t.Fatal("a run mixes streams")
				}
				got[f.Stream] = append(got[f.Stream], f.Offset)
			}
			runs++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		fewest := 0
		for _, offsets := range want {
			fewest += (len(offsets) + length - 1) / length
		}
		if runs != fewest {
			t.Fatalf("%d runs where %d are enough", runs, fewest)
		}
	})
}
