package audit

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/cachenet/cachenet/schemas"
)

// Alpha is the probability with which a bound may be broken.
const Alpha = 0.05

// The grid of the mixture; see the package's doc.
var (
	grid    = [...]float64{0, .2, .35, .5, .65, .8, .9}
	weights = [...]float64{.28, .12, .12, .12, .12, .12, .12}
)

// maxStrata bounds how many rates a Count tells apart; more of them, which only a damaged data set has, are counted
// with the next lower rate.
const maxStrata = 64

// stratum is the hits of one rate.
type stratum struct {
	rate                  float64 // 0 … 1
	hits, audited, caught int64
}

// Count counts hits and what audits found. The zero value has none.
type Count struct {
	strata []stratum // by rate
}

// Add counts one hit that was to be audited with the given probability. caught says that it was and that the answer
// was wrong; an audit that brought no answer counts as that too, since nothing vouches for the hit.
func (c *Count) Add(rate float32, audited, caught bool) {
	s := c.at(float64(rate))
	s.hits++
	if audited {
		s.audited++
		if caught {
			s.caught++
		}
	}
}

// Row adds a row that is a hit or a repeated answer.
func (c *Count) Row(o *schemas.Outcome) {
	if o.Outcome == schemas.Hit || o.Outcome == schemas.Same {
		c.Add(o.AuditRate, o.Audited, o.Audited && o.AuditLabel != o.Label)
	}
}

func (c *Count) at(rate float64) *stratum {
	if !(rate > 0) {
		rate = 0
	}
	i, found := slices.BinarySearchFunc(c.strata, min(rate, 1), func(s stratum, r float64) int { return cmp.Compare(s.rate, r) })
	switch {
	case found:
	case len(c.strata) < maxStrata:
		c.strata = slices.Insert(c.strata, i, stratum{rate: min(rate, 1)})
	case i == 0:
		c.strata[0].rate = rate
	default:
		i--
	}
	return &c.strata[i]
}

// Merge adds what another one counted.
func (c *Count) Merge(o Count) {
	for _, s := range o.strata {
		t := c.at(s.rate)
		t.hits, t.audited, t.caught = t.hits+s.hits, t.audited+s.audited, t.caught+s.caught
	}
}

// Result is what a Count says. Hits with rate 0, which could not be audited, are no part of it.
type Result struct {
	Hits    int64 `json:"hits"`    // that could be audited
	Audited int64 `json:"audited"` // hits that were
	Caught  int64 `json:"caught"`  // wrong ones among these
	Bound   int64 `json:"bound"`   // wrong hits in all, at most, with probability 1-α at all times at once
}

// Says reports whether the bound excludes anything that the numbers alone do not.
func (r Result) Says() bool {
	return r.Hits > 0 && (r.Audited == r.Hits || r.Bound < r.Hits-r.Audited+r.Caught)
}

// Rate is the bound on the share of hits that are wrong, 0 … 1; 1 where there are none.
func (r Result) Rate() float64 {
	if r.Hits == 0 {
		return 1
	}
	return float64(r.Bound) / float64(r.Hits)
}

// String says it for a reader: how many were audited and caught, and the bound at 95 %.
func (r Result) String() string {
	text := fmt.Sprintf("%s of %s hits, %s wrong; ", humanize.Comma(r.Audited), humanize.Comma(r.Hits), humanize.Comma(r.Caught))
	if !r.Says() {
		return text + "too few to bound how many hits are wrong"
	}
	return text + fmt.Sprintf("at most %.2g %% of the hits are wrong (at 95 %%)", 100*r.Rate())
}

// Result returns the bound at 1-alpha, 0 < alpha < 1.
func (c *Count) Result(alpha float64) Result {
	var r Result
	var covered []stratum
	for _, s := range c.strata {
		if s.rate > 0 {
			covered = append(covered, s)
			r.Hits, r.Audited, r.Caught = r.Hits+s.hits, r.Audited+s.audited, r.Caught+s.caught
		}
	}
	low, high := int64(0), r.Hits-r.Audited // low wrong hits that nobody caught are possible, more than high are not
	for limit := -math.Log(alpha); low < high; {
		mid := low + (high-low+1)/2
		if logM(covered, r.Caught, mid) < limit {
			low = mid
		} else {
			high = mid - 1
		}
	}
	r.Bound = r.Caught + low
	return r
}

// logM is ln M where so many wrong hits were not caught and fill the strata, which are in order of their rate.
func logM(strata []stratum, caught, missed int64) float64 {
	var terms [len(grid)]float64
	top := math.Inf(-1)
	for i, f := range grid {
		terms[i] = math.Log(weights[i])
		if caught > 0 {
			terms[i] += float64(caught) * math.Log(f) // -Inf for f = 0
		}
		left := missed
		for _, s := range strata {
			n := min(left, s.hits-s.audited)
			if n > 0 {
				terms[i] += float64(n) * (math.Log1p(-f*s.rate) - math.Log1p(-s.rate))
			}
			left -= n
		}
		top = max(top, terms[i])
	}
	sum := 0.0
	for _, t := range terms {
		sum += math.Exp(t - top)
	}
	return top + math.Log(sum)
}
