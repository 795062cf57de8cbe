package transforms

import (
	"image/color"
	"testing"

	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// The policy sees what frames show: where the picture changes the full model answers, however sure the small net is, and then the cache goes on.
func TestWalksConfirmWhereThePictureChanges(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher, s.AuditRate = policy.Inline, 1e-9 })
	dark := color.RGBA{150, 3, 3, 255} // to the nets of the pack as red as red is
	var frames []schemas.Frame
	for i := range 60 {
		c := red
		if i >= 30 {
			c = dark
		}
		frames = append(frames, photo(t, int64(i), c, 0))
	}
	done, _ := walkOf(n, nil).one(&policy.State{}, frames)
	changed := 0
	for i, o := range done.Rows {
		if i > 0 && o.Label != done.Rows[0].Label {
			t.Fatalf("frame %d is %s, the first is %s", i, o.Label, done.Rows[0].Label)
		}
		if o.CacheEvent != schemas.TrustChanged {
			continue
		}
		changed++
		if i != 30 || o.Outcome != schemas.Miss || o.FullUs == 0 || o.SmallLabel != o.Label {
			t.Errorf("frame %d: %+v", i, o)
		}
	}
	if changed != 1 || done.Rows[31].Outcome != schemas.Hit {
		t.Errorf("%d frames were confirmed because of their picture; the one after is a %s", changed, done.Rows[31].Outcome)
	}
}
