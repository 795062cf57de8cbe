package policy

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/schemas"
)

func repeating(edit func(*Settings)) *Policy {
	return audited(func(s *Settings) {
		s.Similar, s.SimilarMs = 10, 1000
		if edit != nil {
			edit(s)
		}
	})
}

// camera plays frames of a stream, 10 ms apart.
type camera struct {
	t  *testing.T
	p  *Policy
	s  State
	at int64
}

// shows is a glance at a picture of which one field has that shade; below 0 it cannot be decoded.
func shows(shade int, sum uint64, at int64) Glance {
	g := Glance{Seen: shade >= 0, Sum: sum, At: at}
	if g.Seen {
		g.Picture[37] = byte(shade)
	}
	return g
}

// send decides a frame that shows something, as the walk does.
func (c *camera) send(shade int, n *fakeNets, coin Coin) Decision {
	c.t.Helper()
	c.at += 10
	g := shows(shade, uint64(c.at), c.at)
	c.p.Next(&c.s)
	n.asked = nil
	if c.p.Repeats(&c.s, g) {
		return c.p.Repeat(&c.s, g, n, coin)
	}
	d := toss(c.t, c.p, &c.s, n, coin)
	c.p.Answered(&c.s, g, d)
	return d
}

// trained is a camera whose answers did not change in the frames so far.
func trained(t *testing.T, p *Policy) *camera {
	c := &camera{t: t, p: p}
	for range 100 {
		c.send(100, says(1, 1), tails)
	}
	return c
}

func TestAFrameLikeTheLastTakesItsAnswer(t *testing.T) {
	c := trained(t, repeating(nil))
	n, repeated := says(1, 1), 0
	for range 11 {
		if d := c.send(100, n, tails); d.Same {
			repeated++
			if d.Class != 1 || !d.Answered || d.Hit || d.AuditRate != 0.02 || len(n.asked) > 0 {
				t.Fatalf("%+v, asked %v", d, n.asked)
			}
		}
	}
	if repeated == 0 || repeated > 10 {
		t.Errorf("%d of 11 frames repeat the answer, want at most 10", repeated)
	}
}

func TestNothingIsRepeatedBeforeAnswersWereSeenToStay(t *testing.T) {
	c := &camera{t: t, p: repeating(nil)}
	for i := range 59 {
		if d := c.send(100, says(1, 1), tails); d.Same {
			t.Fatalf("frame %d repeats", i)
		}
	}
}

func TestAFrameThatDiffersIsAnswered(t *testing.T) {
	c := trained(t, repeating(nil))
	c.send(100, says(1, 1), tails)
	for _, shade := range []int{110, 90, 200, -1} {
		if d := c.send(shade, says(2, 2), tails); d.Same {
			t.Errorf("a frame of shade %d repeats the answer about one of 100", shade)
		}
	}
}

// How far a picture may change is learned, but not that an identical one has the same answer.
func TestIdenticalFramesRepeatAtOnce(t *testing.T) {
	p := repeating(nil)
	var s State
	g := shows(-1, 5, 1)
	p.Next(&s)
	p.Answered(&s, g, toss(t, p, &s, says(1, 1), tails))
	if g.At = 900; !p.Repeats(&s, g) {
		t.Error("an identical frame is asked about")
	}
	if g.At = 1002; p.Repeats(&s, g) {
		t.Error("an answer outlives its time")
	}
	if g.At = 0; p.Repeats(&s, g) {
		t.Error("a frame from before repeats")
	}
	if p.Repeats(&s, shows(-1, 6, 900)) {
		t.Error("other bytes that cannot be decoded repeat")
	}
}

func TestAnAuditOfARepeatedAnswerTeaches(t *testing.T) {
	c := trained(t, repeating(nil))
	n := says(2, 2)
	var d Decision
	for range 11 { // one of them is decided again
		if d = c.send(100, n, heads); d.Same {
			break
		}
	}
	if !d.Same || !d.Audited || d.Class != 1 && d.Class != 2 || d.AuditClass != 2 {
		t.Fatalf("%+v", d)
	}
	if c.s.Last.Class != 2 || c.s.Last.Net != -1 {
		t.Errorf("the next frames take %+v", c.s.Last)
	}
	if c.s.Last.Moved[0] != 1 {
		t.Errorf("%+v does not count the change", c.s.Last)
	}
	if d := c.send(100, n, tails); d.Same {
		t.Error("one change in 100 frames, and answers are repeated still")
	}
}

func TestWithAFeedbackToComeTheAuditIsLeftToTheTransform(t *testing.T) {
	c := trained(t, repeating(func(s *Settings) { s.Teacher = Selector }))
	n := says(1, 1)
	var d Decision
	for range 11 {
		if d = c.send(100, n, heads); d.Same {
			break
		}
	}
	if !d.Same || !d.Audited || d.AuditClass != -1 || len(n.asked) > 0 {
		t.Errorf("%+v, asked %v", d, n.asked)
	}
}

// A stream of which an audit found a wrong hit has to ask.
func TestAStreamOnProbationRepeatsNothing(t *testing.T) {
	c := trained(t, repeating(nil))
	c.s.Trust.enter(probation)
	if d := c.send(100, says(1, 1), tails); d.Same {
		t.Error("repeats")
	}
}

// Pictures that say nothing of the answer open no gate for long: the share of repeated answers that are wrong stays small.
func TestPicturesThatSayNothingAreNotTrusted(t *testing.T) {
	c := &camera{t: t, p: repeating(nil)}
	rng := rand.New(rand.NewPCG(3, 4))
	truth, wrong, frames := 1, 0, 20000
	for range frames {
		if rng.IntN(40) == 0 {
			truth = rng.IntN(4)
		}
		d := c.send(100+rng.IntN(3), says(truth, truth), random{rng})
		if d.Class != truth {
			wrong++
		}
	}
	if share := float64(wrong) / float64(frames); share > 0.01 {
		t.Errorf("%.3f of the answers are wrong", share)
	}
}

// Pictures that change with the answer are worth most of the frames, at a small price.
func TestPicturesThatChangeWithTheAnswerSave(t *testing.T) {
	c := &camera{t: t, p: repeating(nil)}
	rng := rand.New(rand.NewPCG(5, 6))
	truth, wrong, same, frames := 1, 0, 0, 20000
	for range frames {
		if rng.IntN(100) == 0 {
			truth = rng.IntN(4)
		}
		d := c.send(40*truth+rng.IntN(3), says(truth, truth), random{rng})
		if d.Class != truth {
			wrong++
		}
		if d.Same {
			same++
		}
	}
	if share := float64(same) / float64(frames); share < 0.8 {
		t.Errorf("%.2f of the frames repeat an answer", share)
	}
	if share := float64(wrong) / float64(frames); share > 0.005 {
		t.Errorf("%.3f of the answers are wrong", share)
	}
}

// Whatever comes, an answer is taken by so many frames at most, and what was written and read again decides alike.
func TestRepetitionsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := repeating(func(s *Settings) {
			s.Similar, s.AuditRate = rapid.IntRange(1, 12).Draw(t, "similar"), rapid.Float32Range(0, 0.5).Draw(t, "rate")
		})
		s, row, at := &State{}, 0, int64(0)
		for range rapid.IntRange(60, 200).Draw(t, "frames") {
			at += rapid.Int64Range(0, 300).Draw(t, "ms")
			g := shows(rapid.IntRange(-1, 3).Draw(t, "shade"), rapid.Uint64Range(0, 1).Draw(t, "sum"), at)
			n := says(rapid.IntRange(0, 1).Draw(t, "small"), 1)
			coin := fixed(rapid.Uint64().Draw(t, "coin"))
			p.Next(s)
			b, _ := s.AppendBinary(nil)
			again := &State{}
			if err := again.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			if again.Last != s.Last {
				t.Fatalf("%+v became %+v", s.Last, again.Last)
			}
			if !p.Repeats(s, g) {
				d, err := p.DecideAudited(s, n, true, coin)
				if err != nil {
					t.Fatal(err)
				}
				p.Answered(s, g, d)
				row = 0
				continue
			}
			if row++; row > p.Similar {
				t.Fatalf("%d frames take one answer, the limit is %d", row, p.Similar)
			}
			if d := p.Repeat(s, g, n, coin); d.Audited {
				row = 0
			} else if d.CacheEvent != schemas.CacheNone || d.Class < 0 {
				t.Fatalf("%+v", d)
			}
		}
	})
}
