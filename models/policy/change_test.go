package policy

import (
	"errors"
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

// seeing are nets that show an even picture.
type seeing struct {
	*fakeNets
	picture Thumbnail
}

func (s *seeing) Picture() (*Thumbnail, bool) { return &s.picture, true }

func sees(shade, small, full int) *seeing {
	s := &seeing{fakeNets: says(small, full)}
	for i := range s.picture {
		s.picture[i] = byte(shade)
	}
	return s
}

// looked decides a frame, none of which is audited.
func looked(t *testing.T, p *Policy, s *State, n Nets) Decision {
	t.Helper()
	d, err := p.DecideAudited(s, n, true, tails)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// watched is a stream that has shown one class in front of an even picture.
func watched(t *testing.T, p *Policy, shade int) *State {
	s := &State{}
	for range 3 * changeEvery {
		looked(t, p, s, sees(shade, 1, 1))
	}
	if d := looked(t, p, s, sees(shade+2, 1, 1)); !d.Hit {
		t.Fatalf("noise of two shades: %+v", d)
	}
	return s
}

// What is new and is taken for the class before, with the same certainty, is left at its first frame if the picture changes.
func TestAHitOnAChangedPictureIsConfirmed(t *testing.T) {
	p := audited(nil)
	s := watched(t, p, 50)
	if d := looked(t, p, s, sees(90, 1, 3)); d.Hit || d.Class != 3 || d.CacheEvent != schemas.TrustBypass || s.Trust.Mode != probation {
		t.Errorf("%+v, mode %d", d, s.Trust.Mode)
	}
	s = watched(t, p, 50)
	if d := looked(t, p, s, sees(90, 1, 1)); d.Hit || d.Class != 1 || d.CacheEvent != schemas.TrustChanged || s.Trust.Mode != answering {
		t.Errorf("the full model agrees: %+v, mode %d", d, s.Trust.Mode)
	}
	if d := looked(t, p, s, sees(90, 1, 1)); !d.Hit {
		t.Errorf("the picture was confirmed, and the next frame like it is %+v", d)
	}
}

// On a device the answer comes later: the picture counts as confirmed while it is in flight.
func TestAChangedPictureIsAskedAboutOnce(t *testing.T) {
	p := audited(func(s *Settings) { s.Teacher = Feedback })
	s := &State{}
	for range 20 {
		looked(t, p, s, sees(50, 1, 1))
		if _, err := p.TeachLate(s, []float32{0, 1, 0, 0}, Earlier{Outcome: schemas.Miss, Sure: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if d := looked(t, p, s, sees(90, 1, 1)); d.Hit || d.Answered || d.CacheEvent != schemas.TrustChanged {
		t.Fatalf("%+v", d)
	}
	if d := looked(t, p, s, sees(90, 1, 1)); !d.Hit {
		t.Errorf("its answer is in flight: %+v", d)
	}
}

func TestPicturesMatterToAuditedStreamsOnly(t *testing.T) {
	for name, edit := range map[string]func(*Settings){
		"no audits":        func(s *Settings) { s.AuditRate = 0 },
		"selector teaches": func(s *Settings) { s.Teacher = Selector },
	} {
		p := audited(edit)
		if d := looked(t, p, watched(t, p, 50), sees(250, 1, 3)); !d.Hit {
			t.Errorf("%s: %+v", name, d)
		}
	}
	p := audited(nil)
	if d := looked(t, p, watched(t, p, 50), says(1, 3)); !d.Hit {
		t.Errorf("nets that show no picture: %+v", d)
	}
}

// Each of the last classes has its picture; a class more pushes out the oldest.
func TestPicturesOfTheLastClassesAreKept(t *testing.T) {
	var s State
	p := audited(nil)
	for c := range shots {
		p.keep(&s, sees(0, c+1, c+1), c+1, 1)
		s.shot(c + 1).Limit = 7 // which stays when the class is pushed out
	}
	for c := range shots + 1 {
		p.keep(&s, sees(10*c, c, c), c, 1)
		p.keep(&s, sees(10*c+1, c, c), c, 1)
	}
	if s.shot(0) != nil {
		t.Error("the oldest is still there")
	}
	for c := 1; c <= shots; c++ {
		if h := s.shot(c); h == nil || h.Picture[0] != byte(10*c+1) || h.Limit != 7 {
			t.Errorf("class %d: %+v", c, h)
		}
	}
}

// However much the pictures move, in the long run one hit in changeEvery is confirmed because of them.
func TestConfirmationsOfPicturesAreFew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := audited(nil), &State{}
		span := rapid.IntRange(1, 256).Draw(t, "span")
		shades := rapid.SliceOfN(rapid.IntRange(0, span-1), 1, 50).Draw(t, "shades")
		frames, confirmed := 1000, 0
		n := sees(0, 1, 1)
		for i := range frames {
			for at := range n.picture {
				n.picture[at] = byte(shades[i%len(shades)])
			}
			d, err := p.DecideAudited(s, n, true, tails)
			if err != nil {
				t.Fatal(err)
			}
			if d.CacheEvent == schemas.TrustChanged {
				confirmed++
			}
		}
		first := int(math.Log(mostLimit/leastLimit)/changeStep) + 1
		if most := frames/(changeEvery-1) + first; confirmed > most {
			t.Errorf("%d of %d frames were confirmed, %d may be", confirmed, frames, most)
		}
	})
}

// What a stream saw survives a restart, and a coin decides about it no more than before.
func TestPicturesSurviveARestart(t *testing.T) {
	p := audited(nil)
	s := watched(t, p, 50)
	looked(t, p, s, sees(60, 2, 2))
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got State
	if err := got.UnmarshalBinary(b); err != nil || got.Shots != s.Shots || s.Shots[1].Class == 0 {
		t.Fatalf("%+v, %v, want %+v", got.Shots, err, s.Shots)
	}
	if err := got.UnmarshalBinary(b[:len(b)-1]); !errors.Is(err, errState) {
		t.Error(err)
	}
	s.Shots = [shots]Shot{}
	if b, err = s.AppendBinary(nil); err != nil {
		t.Fatal(err)
	}
	older := b[:len(b)-1]
	older[0] = shotless
	if err := got.UnmarshalBinary(older); err != nil || got.Shots != s.Shots || got.Trust != s.Trust {
		t.Errorf("a state of an earlier version: %+v, %v", got.Trust, err)
	}
	for name, h := range map[string]Shot{"class": {Class: 5, Limit: firstLimit}, "limit": {Class: 1}, "no number": {Class: 1, Limit: float32(math.NaN())}} {
		if h.sound(4) {
			t.Errorf("%s: %+v is taken as sound", name, h)
		}
	}
}

func TestReduce(t *testing.T) {
	for _, side := range [][2]int{{16, 16}, {32, 32}, {50, 41}, {16, 300}, {8, 8}} {
		rgb := make([]byte, 3*side[0]*side[1])
		for i := range rgb {
			if x := i / 3 % side[0]; x >= side[0]/2 {
				rgb[i] = 200
			}
		}
		var got Thumbnail
		got.Reduce(rgb, side[0], side[1])
		for i, v := range got {
			if right := i%ThumbnailSide >= ThumbnailSide/2; right && v != 200 || !right && v != 0 {
				t.Fatalf("%v: field %d is %d", side, i, v)
			}
		}
	}
	var got Thumbnail
	got.Reduce([]byte{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}, 2, 2)
	if a, b, c, d := got[0], got[8], got[8*16], got[8*16+8]; a != 76 || b != 149 || c != 28 || d != 255 {
		t.Errorf("red, green, blue, white are %d, %d, %d, %d", a, b, c, d)
	}
}

// Each field is the mean luma of its four pixels, whether they lie side by side or not.
func TestReduceTakesTheMeanOfFourPixels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(1, 70).Draw(t, "width"), rapid.IntRange(1, 70).Draw(t, "height")
		if rapid.Bool().Draw(t, "pixels side by side") {
			width = 2 * ThumbnailSide
		}
		rgb := rapid.SliceOfN(rapid.Byte(), 3*width*height, 3*width*height).Draw(t, "pixels")
		var got, want Thumbnail
		got.Reduce(rgb, width, height)
		for i := range want {
			sum := 0
			for part := range 4 {
				x, y := 2*(i%ThumbnailSide)+part%2, 2*(i/ThumbnailSide)+part/2
				p := rgb[3*(width*(y*height/(2*ThumbnailSide))+x*width/(2*ThumbnailSide)):]
				sum += 77*int(p[0]) + 150*int(p[1]) + 29*int(p[2])
			}
			want[i] = byte(sum / 1024)
		}
		if got != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func BenchmarkReduce(b *testing.B) {
	for _, side := range []int{32, 48} {
		b.Run(strconv.Itoa(side), func(b *testing.B) {
			rgb := make([]byte, side*side*3)
			var t Thumbnail
			for b.Loop() {
				t.Reduce(rgb, side, side)
			}
		})
	}
}

var _ Sight = (*seeing)(nil)
