package evaluation

import (
	"context"
	"fmt"
	"slices"
)

// candidatesOfRole is how many policies with nets of one role compete for the pack; each makes the test of all stricter.
const candidatesOfRole = 2

// candidates returns the places in trials of the policies that the pack may become: the fastest on the choosing part.
func (b *builder) candidates() []int {
	var all []int
	for _, role := range []string{roleSmall, roleSpecialist, roleContext} {
		var of []int
		for i, t := range b.trials {
			if b.mayShip(t) && t.Fits && rivalNamed(t.Rival).nets == role {
				of = append(of, i)
			}
		}
		slices.SortStableFunc(of, func(x, y int) int {
			if b.trials[x].better(b.trials[y]) {
				return -1
			}
			return 1
		})
		all = append(all, of[:min(len(of), candidatesOfRole)]...)
	}
	return all
}

// mayShip reports whether a pack can be made of a trial.
func (b *builder) mayShip(t trial) bool {
	_, lockShown := b.lockShown()
	return t.Missing == "" && rivalNamed(t.Rival).ships && (t.Settings.Trust == 0 || lockShown)
}

// lockShown counts the confirming tracks that can lock in, and tells whether they are none, or enough to show that
// hardly any does. Below that hits must not teach: it is what makes tracks lock in.
func (b *builder) lockShown() (tracks int, enough bool) {
	for _, t := range b.parts.confirm {
		if t.frames >= lockFrames {
			tracks++
		}
	}
	return tracks, tracks == 0 || tracks >= ruleOfThree(b.Budget.Locked, b.Budget.Alpha)
}

// confirm makes the threshold of every tuned policy as strict as the confirming part asks for: the same for all, so
// that they stay comparable, and at a higher confidence for those among which the pack is chosen.
func (b *builder) confirm(ctx context.Context) error {
	a := b.arena(b.parts.confirm, b.effort.kinds, b.effort.confirm, 500)
	competing := b.candidates()
	b.certificate = Certificate{Alpha: b.Budget.Alpha, Policies: len(competing)}
	for i, t := range b.trials {
		r := rivalNamed(t.Rival)
		if t.Missing != "" || !t.Fits || r.nets == roleFull {
			continue
		}
		b.step("confirm the threshold of", i, len(b.trials), r.name)
		c := certifier{a, b.Budget, b.Budget.Alpha}
		if slices.Contains(competing, i) {
			c.alpha /= float64(len(competing))
		}
		held, k, err := c.certify(ctx, r, t)
		if err != nil {
			return fmt.Errorf("confirm %s: %w", r.name, err)
		}
		held.worst, held.Tuned = k.worst, t.Settings.Threshold
		held.Candidate = slices.Contains(competing, i)
		b.trials[i] = held
	}
	return nil
}

// pick takes the fastest confirmed policy that a pack can be made of.
func (b *builder) pick(ctx context.Context) error {
	if tracks, enough := b.lockShown(); !enough {
		b.say("Hits teach the window of no policy that may ship: %d confirming sequences of %d frames or more cannot show that at most %.2f %% of tracks lock in on a wrong class; that takes %d.",
			tracks, lockFrames, 100*b.Budget.Locked, ruleOfThree(b.Budget.Locked, b.Budget.Alpha))
	}
	if len(b.table.role(roleSmall))+len(b.table.role(roleSpecialist))+len(b.table.role(roleContext)) == 0 {
		return fmt.Errorf("no small net and no specialist among the nets: train again")
	}
	global, specialists := b.fastest(roleSmall), b.fastestSpecialists()
	switch {
	case global == nil && specialists == nil:
		b.chosen = fullSetup()
		b.say("No policy holds the budget on every kind of stream and is faster than the full model, so the pack asks the full model about every frame. Better small nets, more held-out sequences or a larger --max-accuracy-loss would change that.%s", b.closest())
	case global == nil:
		b.chosen = *specialists
		b.say("No global small net holds the budget, so specialists answer.")
	case specialists == nil:
		b.chosen = *global
		b.say("No specialists hold the budget, so one global small net answers.")
	default:
		b.chosen = b.better(*global, *specialists)
	}
	b.chosenRival = rivalNamed(b.chosen.Rival)
	return b.price(ctx)
}

// better weighs specialists against one small net.
func (b *builder) better(global, specialists trial) trial {
	gain := specialists.Speedup / global.Speedup
	chosen, verdict := global, "they lose and are left out"
	if gain > specialistGain {
		chosen, verdict = specialists, "they win and ship"
	} else if gain > 1 {
		verdict = fmt.Sprintf("that is less than the %.1f times that would pay for them, so they are left out", specialistGain)
	}
	b.say("Specialists with the prior run %.2f times as fast as one global small net with the prior (%.2f x against %.2f x the full model): %s.",
		gain, specialists.Speedup, global.Speedup, verdict)
	return chosen
}

// fastestSpecialists returns the better of the specialists for classes that are confused and those for contexts, nil when
// neither holds the budget. It says which won, where both were trained.
func (b *builder) fastestSpecialists() *trial {
	groups, contexts := b.fastest(roleSpecialist), b.fastest(roleContext)
	switch {
	case len(b.table.role(roleContext)) == 0:
		return groups
	case contexts == nil:
		b.say("No specialists by context hold the budget.")
		return groups
	case groups == nil:
		b.say("Of specialists, only those by context hold the budget (%.2f x the full model).", contexts.Speedup)
		return contexts
	}
	b.say("Specialists by context run at %.2f x the speed of the full model, those by confused classes at %.2f x.", contexts.Speedup, groups.Speedup)
	if contexts.better(*groups) {
		return contexts
	}
	return groups
}

// price says what holding the budget on every kind of stream costs in speed.
func (b *builder) price(ctx context.Context) error {
	if b.chosenRival.nets == roleFull || b.chosen.Settings.Threshold == b.chosen.Tuned {
		return nil
	}
	loose := b.chosen.Setup
	loose.Settings.Threshold = b.chosen.Tuned
	f, err := b.arena(b.parts.confirm, b.effort.kinds, b.effort.confirm, 500).run(ctx, b.chosenRival, loose)
	if err != nil {
		return err
	}
	all := overall(f)
	b.say("The choosing part alone would have set the threshold to %.4f (%.2f x, %.2f points lost in the mean). The confirming part asks for %.4f because of %s: %.2f x, which is %.0f %% slower.",
		b.chosen.Tuned, all.Speedup, 100*all.Loss, b.chosen.Settings.Threshold, b.chosen.worst, b.chosen.Speedup, 100*(1-b.chosen.Speedup/all.Speedup))
	return nil
}

// closest says what kept the best candidate from shipping.
func (b *builder) closest() string {
	for _, t := range b.trials {
		if t.Candidate && t.worst != "" {
			return fmt.Sprintf(" \"%s\" failed by %s.", t.Rival, t.worst)
		}
	}
	return ""
}

// fastest returns the best confirmed candidate with nets of that role that is faster than the full model alone, nil
// when there is none.
func (b *builder) fastest(role string) *trial {
	var best *trial
	for i, t := range b.trials {
		if t.Candidate && t.Fits && t.Speedup > 1 && rivalNamed(t.Rival).nets == role && (best == nil || t.better(*best)) {
			best = &b.trials[i]
		}
	}
	return best
}
