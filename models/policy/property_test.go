package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/models/audit"
)

// trustingPolicy draws a policy with all that trust has: costs, audits, a limit, repeated answers.
func trustingPolicy(t *rapid.T) *Policy {
	p := audited(func(s *Settings) {
		s.AuditRate = rapid.SampledFrom([]float32{0.01, 0.1, 0.5}).Draw(t, "rate")
		s.MaxFalseHits = rapid.SampledFrom([]float32{0, 0.02, 0.2}).Draw(t, "limit")
		s.Similar, s.SimilarMs = rapid.SampledFrom([]int{0, 5}).Draw(t, "similar"), 1000
	})
	p.Alpha = rapid.SampledFrom([]float32{0.2, 1}).Draw(t, "alpha") // at 1 the window does not carry a net that is not sure
	p.Cost = rapid.SampledFrom([]float32{0, 0.05, 0.3}).Draw(t, "cost")
	return p
}

// frame is one of a stream that a property plays.
type frame struct {
	small, full int // classes that the nets are sure of; small -1: not sure of any
	shade       int
}

func (f frame) nets() *seeing {
	n := sees(20*max(0, f.shade), max(0, f.small), f.full)
	if f.small < 0 {
		n.specialist[0] = make([]float32, 4)
	}
	return n
}

// anyFrames draws stretches of frames that are alike: long ones, of which answers are repeated, or in which the net is never
// sure, and short ones.
func anyFrames(t *rapid.T, stretches int) []frame {
	var all []frame
	for range rapid.IntRange(1, stretches).Draw(t, "stretches") {
		f := frame{rapid.IntRange(-1, 3).Draw(t, "small"), rapid.IntRange(0, 3).Draw(t, "full"), rapid.IntRange(-1, 3).Draw(t, "shade")}
		if rapid.Bool().Draw(t, "right") {
			f.small = f.full
		}
		for range rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "length") {
			all = append(all, f)
		}
	}
	return all
}

// hmac is the coin of a run, at one frame.
type hmac struct {
	*audit.Coin
	offset int64
}

func (h hmac) Toss() uint64 { return h.Coin.Toss("frames", 0, h.offset) }

// play decides frame i of a stream as the transform does.
func play(t *rapid.T, p *Policy, s *State, f frame, i int64, coin *audit.Coin) Decision {
	g := shows(f.shade, uint64(i), 100*i)
	p.Next(s)
	if p.Repeats(s, g) {
		return p.Repeat(s, g, f.nets(), hmac{coin, i})
	}
	d, err := p.DecideAudited(s, f.nets(), true, hmac{coin, i})
	if err != nil {
		t.Fatal(err)
	}
	p.Answered(s, g, d)
	return d
}

// Whatever a stream has shown, and whatever the reason that its net is not asked: when the net is sure and right again, it answers.
func TestABypassedStreamComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s, coin := trustingPolicy(t), &State{}, audit.NewCoin([]byte("any"))
		frames := anyFrames(t, 5)
		at := int64(0)
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			for _, f := range frames {
				play(t, p, s, f, at, coin)
				at++
			}
		}
		for since := at; ; at++ {
			if d := play(t, p, s, frame{1, 1, -1}, at, coin); d.Hit {
				return
			}
			if at-since > mostProof*20 {
				t.Fatalf("no hit in %d frames: %+v", at-since, s.Trust)
			}
		}
	})
}

// A replay of the same frames decides alike, audits included, also where a restart interrupted the run.
func TestAReplayDecidesAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, frames := trustingPolicy(t), anyFrames(t, 8)
		secret := []byte(rapid.StringN(1, 8, -1).Draw(t, "secret"))
		var whole, broken State
		one, two := audit.NewCoin(secret), audit.NewCoin(secret)
		for i, f := range frames {
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				b, err := broken.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				broken = State{}
				if err := broken.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
			}
			want, got := play(t, p, &whole, f, int64(i), one), play(t, p, &broken, f, int64(i), two)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Decision{})); diff != "" {
				t.Fatalf("frame %d: %s", i, diff)
			}
		}
	})
}

// The bound of what audits found is never below the share of wrong hits that they did find.
func TestTheBoundOfAStreamCoversWhatWasCaught(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s, coin := trustingPolicy(t), &State{}, audit.NewCoin([]byte("any"))
		var c audit.Count
		hits, caught := 0, 0
		for i, f := range anyFrames(t, 10) {
			d := play(t, p, s, f, int64(i), coin)
			if !d.Hit && !d.Same {
				continue
			}
			wrong := d.Audited && d.AuditClass != d.Class
			c.Add(d.AuditRate, d.Audited, wrong)
			if hits++; wrong {
				caught++
			}
			if r := c.Result(audit.Alpha); r.Rate() < float64(caught)/float64(hits) || r.Bound > int64(hits) {
				t.Fatalf("after %d hits, %d of them found wrong: %+v", hits, caught, r)
			}
		}
	})
}
