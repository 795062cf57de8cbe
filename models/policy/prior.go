package policy

// weigh turns the raw distribution of specialist i into the posterior under the window's prior,
// p(c|x) ∝ p_net(c) · [(1-α)·window(c) + α/K] · K. "Other" is weighted by the mean prior of the classes it stands for.
// With Share, each window counts as much as it has credit. The raw slice is reused; the paper's policy leaves it as
// it is. It returns how much likelier the frame is under the prior than under a plain guess.
func (p *Policy) weigh(raw []float32, s *State, i int) (evidence float32) {
	if p.Kind == Paper || p.Alpha >= 1 {
		return 1
	}
	sp, k := p.Specialists[i], float32(p.Classes)
	fast, slow := p.shares(s)
	rest := (1 - fast - slow) / k
	known := len(raw)
	if sp.Other {
		known--
	}
	var inside, sum float32
	for o := range known {
		c := o
		if sp.Classes != nil {
			c = sp.Classes[o]
		}
		prior := fast*s.Window[c] + slow*s.Slow[c] + rest
		inside += prior
		v := raw[o] * prior * k
		raw[o] = v
		sum += v
	}
	if sp.Other {
		if others := p.Classes - known; others > 0 {
			raw[known] *= max(0, 1-inside) * k / float32(others)
		}
		sum += raw[known]
	}
	normalise(raw, sum)
	return sum
}

// shares returns how much of the prior is the fast and the slow window; a plain guess has the rest.
func (p *Policy) shares(s *State) (fast, slow float32) {
	fast = 1 - p.Alpha
	if p.Share > 0 {
		return fast * s.Credit[0], fast * s.Credit[1]
	}
	return fast, 0
}

// sure returns the class that the raw, unweighted distribution of specialist i is sure enough of to teach the window,
// -1 when there is none. An answer that needs the prior must not teach: the window would confirm itself.
func (p *Policy) sure(raw []float32, i int) int {
	if p.Trust <= 0 || p.Kind == Paper {
		return -1
	}
	if best := Largest(raw); raw[best] >= p.Trust {
		return p.Specialists[i].label(best, len(raw))
	}
	return -1
}

// insideShare is the weight from which a class counts as being in the window.
const insideShare = 0.02

// outsideDecay makes the running mean of the mass outside an average over about 30 frames.
const outsideDecay = 0.97

// jump is the rare-class guard: it reports whether the mass that the raw, unweighted distribution of
// specialist i puts outside the window exceeds its own running mean by more than Guard.
func (p *Policy) jump(s *State, raw []float32, i int, learn bool) bool {
	if p.Guard <= 0 {
		return false
	}
	outside := float32(1)
	classes := p.Specialists[i].Classes
	for o, v := range raw {
		c := o
		if classes != nil {
			if o >= len(classes) {
				break
			}
			c = classes[o]
		}
		if c < p.Classes && s.Window[c] >= insideShare {
			outside -= v
		}
	}
	outside = max(0, outside)
	jumped := outside > s.Outside+p.Guard
	if learn {
		s.Outside = outsideDecay*s.Outside + (1-outsideDecay)*outside
	}
	return jumped
}

// FusePrior writes into dst, of K classes, the prior that answers of the full model are fused with (fuse): what the stream has shown over a
// longer time, and a uniform part. It reports whether this policy has one.
func (p *Policy) FusePrior(dst []float32, s *State) bool {
	if p.Kind != Window || p.Alpha >= 1 || p.Fuse <= 0 || len(dst) != p.Classes {
		return false
	}
	s.start(p)
	for c := range dst {
		dst[c] = (1-p.Alpha)*s.Slow[c] + p.Alpha/float32(p.Classes)
	}
	return true
}
