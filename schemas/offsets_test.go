package schemas

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// The set is the union of what was added, in any order.
func TestOffsetsIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o, other Offsets
		want := map[int64]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "ranges") {
			from := rapid.Int64Range(0, 60).Draw(t, "from")
			to := rapid.Int64Range(0, 60).Draw(t, "to")
			if rapid.Bool().Draw(t, "other") {
				other.Add(from, to)
			} else {
				o.Add(from, to)
			}
			for i := from; i < to; i++ {
				want[i] = true
			}
		}
		o.Union(other)
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var back Offsets
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		var end int64
		for i := range int64(61) {
			if o.Contains(i) != want[i] || back.Contains(i) != want[i] {
				t.Fatalf("offset %d: in %s is %v, expected %v", i, b, o.Contains(i), want[i])
			}
			next := i
			for want[next] {
				next++
			}
			if o.Next(i) != next {
				t.Fatalf("next of %d in %s is %d, expected %d", i, b, o.Next(i), next)
			}
			if want[i] {
				end = i + 1
			}
		}
		if o.Count() != int64(len(want)) || o.End() != end {
			t.Fatalf("count %d, end %d of %s", o.Count(), o.End(), b)
		}
		for i := 1; i < len(o.ranges); i++ {
			if o.ranges[i].from <= o.ranges[i-1].to {
				t.Fatalf("ranges touch: %s", b)
			}
		}
	})
}

func TestOffsetsRefusesInvalidRanges(t *testing.T) {
	for _, bad := range []string{`[[3,1]]`, `[[-1,2]]`, `{}`, `[["a",1]]`} {
		if err := json.Unmarshal([]byte(bad), new(Offsets)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
