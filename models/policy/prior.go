package policy

// weigh turns the raw distribution of specialist i into the posterior under the window's prior,
// p(c|x) ∝ p_net(c) · [(1-α)·window(c) + α/K] · K, the mass of "other" being weighed by the mean prior of
// the classes it stands for. With Share, each window weighs as much as it has credit. The raw slice is reused;
// the paper's policy leaves it as it is.
func (p *Policy) weigh(raw []float32, s *State, i int) []float32 {
	if p.Kind == Paper || p.Alpha >= 1 {
		return raw
	}
	sp, fast, slow := p.Specialists[i], 1-p.Alpha, float32(0)
	if p.Share > 0 {
		fast, slow = fast*s.Credit[0], fast*s.Credit[1]
	}
	known := len(raw)
	if sp.Other {
		known--
	}
	var inside float32
	for o := range known {
		c := o
		if sp.Classes != nil {
			c = sp.Classes[o]
		}
		prior := fast*s.Window[c] + slow*s.Slow[c] + (1-fast-slow)/float32(p.Classes)
		inside += prior
		raw[o] *= prior * float32(p.Classes)
	}
	if rest := p.Classes - known; sp.Other && rest > 0 {
		raw[known] *= max(0, 1-inside) * float32(p.Classes) / float32(rest)
	}
	return normalise(raw)
}

// sure returns the class that the raw, unweighted distribution is sure enough of to teach the window, -1
// when there is none. An answer that needs the prior must not teach: the window would confirm itself.
func (p *Policy) sure(raw []float32, outputs []int) int {
	if p.Trust <= 0 || p.Kind == Paper {
		return -1
	}
	if a := summarise(raw, outputs); a.Confidence >= p.Trust {
		return a.Class
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
	jumped := outside > s.Outside+p.Guard
	if learn {
		s.Outside = outsideDecay*s.Outside + (1-outsideDecay)*outside
	}
	return jumped
}
