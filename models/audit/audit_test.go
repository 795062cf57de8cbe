package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// counted is a Count of one stratum.
func counted(rate float64, hits, audited, caught int64) Count {
	return Count{strata: []stratum{{rate, hits, audited, caught}}}
}

// Known values, for a stream with so many hits that their number does not limit the bound.
func TestBoundValues(t *testing.T) {
	for caught, want := range map[int64]int64{0: 388, 1: 750, 5: 1440} {
		c := counted(0.01, 1_000_000, 10_000, caught)
		if got := c.Result(0.05); got.Bound != want || !got.Says() {
			t.Errorf("%d caught: %+v, want %d", caught, got, want)
		}
	}
}

func TestNoHitsNoBound(t *testing.T) {
	var c Count
	if r := c.Result(Alpha); r != (Result{}) || r.Says() || r.Rate() != 1 {
		t.Errorf("%+v", r)
	}
	c.Add(0, false, false) // not auditable
	if r := c.Result(Alpha); r.Hits != 0 || r.Says() {
		t.Errorf("%+v", r)
	}
	few := counted(0.01, 100, 1, 0)
	if r := few.Result(Alpha); r.Bound != 99 || r.Says() {
		t.Errorf("one audit of 100 hits must give no bound: %+v", r)
	}
}

func TestRateOneIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Count
		caught := int64(0)
		for _, wrong := range rapid.SliceOfN(rapid.Bool(), 1, 200).Draw(t, "wrong") {
			c.Add(1, true, wrong)
			if wrong {
				caught++
			}
		}
		if r := c.Result(Alpha); r.Bound != caught || !r.Says() {
			t.Fatalf("%+v, want %d", r, caught)
		}
	})
}

func drawStrata(t *rapid.T) Count {
	var c Count
	for range rapid.IntRange(1, 4).Draw(t, "strata") {
		hits := rapid.Int64Range(0, 1_000_000_000).Draw(t, "hits")
		audited := rapid.Int64Range(0, hits).Draw(t, "audited")
		s := stratum{rapid.Float64Range(0.001, 0.99).Draw(t, "rate"), hits, audited, rapid.Int64Range(0, min(audited, 100_000)).Draw(t, "caught")}
		c.Merge(Count{strata: []stratum{s}})
	}
	return c
}

// The bound is never below the wrong hits seen nor above the hits, and stays so in finite arithmetic at any size.
func TestBoundLiesBetweenCaughtAndPossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawStrata(t)
		r := c.Result(Alpha)
		if r.Bound < r.Caught || r.Bound > r.Caught+r.Hits-r.Audited {
			t.Fatalf("%+v", r)
		}
	})
}

func TestBoundGrowsWithWhatWasCaught(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawStrata(t)
		before := c.Result(Alpha).Bound
		for i := range c.strata {
			if s := &c.strata[i]; s.caught < s.audited {
				s.caught++
				if after := c.Result(Alpha).Bound; after < before {
					t.Fatalf("one more was caught: %d, before %d", after, before)
				}
				s.caught--
			}
		}
	})
}

// Filling the lowest rate first is the worst case: no other distribution of the wrong hits allows more of them.
func TestLowestRateFirstIsTheWorstCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hits := func() int64 { return rapid.Int64Range(0, 60).Draw(t, "unaudited") }
		strata := []stratum{{rate: 0.05, hits: hits()}, {rate: 0.3, hits: hits()}, {rate: 0.5, hits: hits()}}
		c := Count{strata: strata}
		most := int64(0)
		for a := range strata[0].hits + 1 {
			for b := range strata[1].hits + 1 {
				for d := range strata[2].hits + 1 {
					m := 0.0
					for i, f := range grid {
						g := func(p float64, n int64) float64 { return math.Pow((1-f*p)/(1-p), float64(n)) }
						m += weights[i] * g(0.05, a) * g(0.3, b) * g(0.5, d)
					}
					if m < 1/Alpha {
						most = max(most, a+b+d)
					}
				}
			}
		}
		if r := c.Result(Alpha); r.Bound != most {
			t.Fatalf("%d, but %d are possible", r.Bound, most)
		}
	})
}

func TestRatesBeyondTheMostAreUnderstated(t *testing.T) {
	var c Count
	for i := range 3 * maxStrata {
		c.Add(float32(3*maxStrata-i)/1000, i%2 == 0, false)
	}
	r := c.Result(Alpha)
	if len(c.strata) != maxStrata || r.Hits != 3*maxStrata || c.strata[0].rate > 0.0011 {
		t.Errorf("%d strata from %v, %+v", len(c.strata), c.strata[0].rate, r)
	}
}

// At every moment of a stream the bound covers the wrong hits so far, whatever their order, in 95 of 100 runs.
func TestBoundHoldsAtEveryMoment(t *testing.T) {
	for name, wrong := range map[string]func(*rand.Rand, int, int64) bool{
		"seldom":  func(r *rand.Rand, _ int, _ int64) bool { return r.Float64() < 0.01 },
		"bursts":  func(r *rand.Rand, i int, _ int64) bool { return i/300%7 == 3 && r.Float64() < 0.9 },
		"a drift": func(r *rand.Rand, i int, _ int64) bool { return r.Float64() < float64(i)/20000 },
		// an adversary sees only what audits caught: it errs until caught, then stops
		"an adversary": func(_ *rand.Rand, _ int, caught int64) bool { return caught == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			broken := 0
			for run := range 200 {
				if !holds(rand.New(rand.NewPCG(uint64(run), 11)), wrong) {
					broken++
				}
			}
			if broken > 10 {
				t.Errorf("bound violated in %d of 200 runs, at most 10 are allowed", broken)
			}
		})
	}
}

// holds simulates a stream whose audit rate rises after a wrong hit is caught. It checks whenever the martingale can have grown.
func holds(rng *rand.Rand, wrong func(*rand.Rand, int, int64) bool) bool {
	var c Count
	var all, caught int64
	raised := 0
	for i := range 4000 {
		rate := float32(0.01)
		if raised--; raised > 0 {
			rate = 0.2
		}
		isWrong, audited := wrong(rng, i, caught), rng.Float32() < rate
		c.Add(rate, audited, audited && isWrong)
		if !isWrong {
			continue
		}
		all++
		if audited {
			caught, raised = caught+1, 30
		}
		if all%10 == 0 && c.Result(Alpha).Bound < all {
			return false
		}
	}
	return c.Result(Alpha).Bound >= all
}

func TestCoinIsTheHMAC(t *testing.T) {
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte("frames|3|-12"))
	want := binary.BigEndian.Uint64(mac.Sum(nil))
	c := NewCoin([]byte("secret"))
	c.Toss("frames", 3, 11)
	if got := c.Toss("frames", 3, -12); got != want {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestCoinAllocatesNothing(t *testing.T) {
	c := NewCoin([]byte("secret"))
	c.Toss("frames", 1, 1)
	if n := testing.AllocsPerRun(100, func() { c.Toss("frames", 1, 2) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCoinChoosesTheRate(t *testing.T) {
	c := NewCoin([]byte("secret"))
	for _, rate := range []float32{0, 0.01, 0.5, 1} {
		n := 0
		for offset := range int64(20_000) {
			if Chosen(c.Toss("frames", 0, offset), rate) {
				n++
			}
		}
		if want := float64(rate) * 20_000; math.Abs(float64(n)-want) > 4*math.Sqrt(want*(1-float64(rate))) {
			t.Errorf("rate %v: %d of 20,000", rate, n)
		}
	}
	if Chosen(0, float32(math.NaN())) || !Chosen(math.MaxUint64, 1) || Chosen(math.MaxUint64, 0.999999) {
		t.Error("at the edges")
	}
}

func BenchmarkToss(b *testing.B) {
	c := NewCoin([]byte("secret"))
	b.ReportAllocs()
	for b.Loop() {
		c.Toss("frames", 1, 123456)
	}
}
