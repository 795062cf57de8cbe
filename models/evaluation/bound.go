package evaluation

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// clusters adds up an amount and its occasions sequence by sequence: frames of one sequence are alike, so that it is
// sequences that a bound may count as independent.
type clusters struct {
	sum, n []float64 // by index of the track in the table
}

func newClusters(tracks int) clusters {
	return clusters{make([]float64, tracks), make([]float64, tracks)}
}

func (c clusters) add(track int, amount float64) {
	c.sum[track] += amount
	c.n[track]++
}

// merge adds what another counted over the same tracks.
func (c clusters) merge(o clusters) {
	for i := range o.sum {
		c.sum[i] += o.sum[i]
		c.n[i] += o.n[i]
	}
}

// moments are what a bound needs of clusters: the mean over all occasions, its standard error, how many sequences took
// part, and the mean third power of their deviations in units of the standard deviation.
type clusterMoments struct {
	mean, error, skew float64
	sequences         int
	occasions         float64
}

func (c clusters) moments() clusterMoments {
	var m clusterMoments
	total := 0.0
	for i, n := range c.n {
		if n > 0 {
			m.sequences++
			m.occasions += n
			total += c.sum[i]
		}
	}
	if m.sequences == 0 {
		return m
	}
	m.mean = total / m.occasions
	size := float64(m.sequences)
	var second, third float64
	for i, n := range c.n {
		if n > 0 {
			d := (c.sum[i] - m.mean*n) * size / m.occasions
			second += d * d / size
			third += d * d * d / size
		}
	}
	if second > 0 && m.sequences > 1 {
		m.skew = third / math.Pow(second, 1.5)
		m.error = math.Sqrt(second / (size - 1))
	}
	return m
}

// upper is the one-sided upper confidence bound of the mean at 1-alpha: Student's t over sequences (the ratio
// estimator of cluster sampling, Cochran, "Sampling Techniques", 1977, 6.3), corrected for skewness as in Johnson,
// "Modified t Tests and Confidence Intervals for Asymmetrical Populations", JASA 73 (1978): losses are rare and large,
// and the plain t takes too little for that. It is 1 where there are fewer than two sequences.
func (c clusters) upper(alpha float64) float64 { return c.moments().limit(alpha, 1) }

// lower is its counterpart below.
func (c clusters) lower(alpha float64) float64 { return c.moments().limit(alpha, -1) }

func (m clusterMoments) limit(alpha, side float64) float64 {
	if m.sequences < 2 {
		return side
	}
	size := float64(m.sequences)
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: size - 1}.Quantile(1 - alpha)
	skewed := m.mean + side*t*m.error + m.skew*m.error/(6*math.Sqrt(size))*(1+2*t*t)
	if side > 0 { // the correction may widen the interval, never narrow it
		return math.Max(skewed, m.mean+t*m.error)
	}
	return math.Min(skewed, m.mean-t*m.error)
}

// rareUpper is the upper bound of the share of rare events at 1-alpha: that of Clopper and Pearson ("The Use of
// Confidence or Fiducial Limits", Biometrika 26, 1934), which for none in n cases is the rule of three (3/n at 95 %),
// or that of the clusters, where a few sequences have most of the events.
func (c clusters) rareUpper(alpha float64) float64 {
	events, cases := 0.0, 0.0
	for i := range c.n {
		events, cases = events+c.sum[i], cases+c.n[i]
	}
	return math.Max(clopperPearson(events, cases, alpha), c.upper(alpha))
}

// clopperPearson is the upper bound of a probability of which events in cases were seen.
func clopperPearson(events, cases, alpha float64) float64 {
	if events >= cases {
		return 1
	}
	return distuv.Beta{Alpha: events + 1, Beta: cases - events}.Quantile(1 - alpha)
}

// ruleOfThree is how many cases without an event show that its probability is at most share, at 1-alpha; it is about
// 3/share at 95 %.
func ruleOfThree(share, alpha float64) int {
	return int(math.Ceil(math.Log(alpha) / math.Log1p(-share)))
}
