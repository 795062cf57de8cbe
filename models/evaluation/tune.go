package evaluation

import (
	"context"

	"github.com/cachenet/cachenet/models/policy"
)

// knob is one setting and the values that are tried for it.
type knob []func(*policy.Settings)

var (
	alphas = knobOf([]float32{0.03, 0.08, 0.15, 0.3, 0.5, 0.7}, func(s *policy.Settings, v float32) { s.Alpha = v })
	decays = knobOf([]float32{0.5, 0.7, 0.8, 0.88, 0.94, 0.97}, func(s *policy.Settings, v float32) { s.Decay = v })
	trusts = knobOf([]float32{0, 0.8, 0.9, 0.95, 0.97, 0.985, 0.995}, func(s *policy.Settings, v float32) { s.Trust = v })
	shares = knobOf([]float32{0, 0.005, 0.02, 0.05, 0.12, 0.25}, func(s *policy.Settings, v float32) { s.Share = v })
	slows  = knobOf([]float32{0, 0.95, 0.98, 0.99, 0.995}, func(s *policy.Settings, v float32) { s.Slow = v })
	caches = knobOf([][3]int{{1, 1, 1}, {1, 1, 2}, {2, 1, 1}, {2, 2, 1}, {3, 1, 1}, {3, 2, 1}, {3, 3, 1}, {3, 3, 2}}, func(s *policy.Settings, v [3]int) {
		s.Capacity, s.Tries, s.Admission = v[0], v[1], v[2]
	})
)

func knobOf[T any](values []T, set func(*policy.Settings, T)) knob {
	var k knob
	for _, v := range values {
		k = append(k, func(s *policy.Settings) { set(s, v) })
	}
	return k
}

// nearby is how far from the best threshold so far it is searched when another setting changes.
const nearby = 1.6

// tune returns the best setup of a rival for each small net that it may use, or for its other nets. A rival whose nets
// are missing has a setup that says so.
func (c *tuner) tune(ctx context.Context, r rival) ([]trial, error) {
	smalls := []string{""}
	if r.nets == roleSmall || r.nets == masks {
		smalls = nil
		for _, s := range c.table.role(roleSmall) {
			smalls = append(smalls, s.SHA256)
		}
	}
	var all []trial
	first := make([]trial, len(smalls))
	quickest := 0.0
	for i, small := range smalls {
		t, err := c.first(ctx, r, Setup{Rival: r.name, Small: small, Settings: r.start})
		if err != nil {
			return nil, err
		}
		first[i], quickest = t, max(quickest, t.Speedup)
	}
	for _, t := range first {
		if t.Missing != "" || t.Speedup < tooSlow*quickest {
			all = append(all, t)
			continue
		}
		best, err := c.improve(ctx, r, t)
		if err != nil {
			return nil, err
		}
		all = append(all, best)
	}
	return all, nil
}

// tooSlow is the speed of a small net, relative to the fastest at the settings that tuning starts from, below which
// it is not tuned further.
const tooSlow = 0.75

// improve turns one knob after the other, and the prior once more at the end.
func (c *tuner) improve(ctx context.Context, r rival, best trial) (trial, error) {
	for _, k := range r.knobs() {
		var err error
		if best, err = c.turn(ctx, r, k, best, c.next); err != nil {
			return best, err
		}
	}
	return best, nil
}

// turn plays every value of a knob, and returns the best of them and what was best before.
func (c *tuner) turn(ctx context.Context, r rival, k knob, best trial, play func(ctx context.Context, r rival, s Setup, best trial) (trial, error)) (trial, error) {
	from := best.Setup
	for _, set := range k {
		next := from
		set(&next.Settings)
		if next.Settings == from.Settings {
			continue
		}
		t, err := play(ctx, r, next, best)
		if err != nil {
			return best, err
		}
		if t.better(best) {
			best = t
		}
	}
	return best, nil
}

// first and next search the threshold; a policy that asks the full model every time has none to search.
func (c *tuner) first(ctx context.Context, r rival, s Setup) (trial, error) {
	if _, err := c.table.player(r, s); err != nil {
		s.Missing = err.Error()
		return trial{Setup: s}, nil
	}
	if r.nets == roleFull {
		return c.try(ctx, r, s)
	}
	return c.tight(ctx, r, s, loosest, strictest)
}

func (c *tuner) next(ctx context.Context, r rival, s Setup, best trial) (trial, error) {
	if r.nets == roleFull {
		return c.try(ctx, r, s)
	}
	return c.challenge(ctx, r, s, best)
}

// knobs lists what is tuned, in order.
func (r rival) knobs() []knob {
	var all []knob
	if len(r.teachers) > 1 {
		all = append(all, knobOf(r.teachers, func(s *policy.Settings, v string) { s.Teacher = v }))
	}
	if r.cache {
		all = append(all, caches)
	}
	if r.prior {
		all = append(all, alphas, decays)
	}
	if r.trust {
		all = append(all, trusts, decays)
	}
	if r.share {
		all = append(all, slows, shares, decays)
	}
	if r.prior {
		all = append(all, alphas)
	}
	if r.cache && r.prior {
		all = append(all, caches)
	}
	return all
}
