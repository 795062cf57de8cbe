package evaluation

import (
	"github.com/cachenet/cachenet/models/policy"
)

// none stands for a hit among the rows whose answers are delayed.
const none = -1

// feedback is how answers reach the window if the policy itself does not teach it.
type feedback int

const (
	feedbackNone  feedback = iota
	feedbackAll            // every answer, hits too
	feedbackLate           // the full model's, some frames later
	feedbackFirst          // every answer of the first net
)

// lateFrames is the delay of the full model's answers, in frames, for the rival that learns late.
const lateFrames = 5

// teach updates the window by the rival's kind of feedback.
func (p *player) teach(pol *policy.Policy, row int, d policy.Decision) error {
	switch p.feedback {
	case feedbackAll:
		if !d.Hit {
			return p.learn(pol, row)
		}
		if p.many != nil {
			p.many.TeachClass(d.Class)
			return nil
		}
		p.answer = append(p.answer[:0], p.nets.full.distribution(row)...) // for its length
		clear(p.answer)
		p.answer[d.Class] = 1
		_, err := pol.Teach(&p.state, p.answer)
		return err
	case feedbackFirst:
		return p.learn(pol, row)
	case feedbackLate:
		late := row
		if d.Hit {
			late = none
		}
		p.late = append(p.late, late)
		if len(p.late) > lateFrames {
			late, p.late = p.late[0], p.late[1:]
			if late != none {
				return p.learn(pol, late)
			}
		}
	}
	return nil
}

// learn updates the window with the full model's answer to a row of the table.
func (p *player) learn(pol *policy.Policy, row int) error {
	if p.many != nil {
		k := p.nets.full.known(row)
		p.many.Teach(&k)
		return nil
	}
	p.answer = append(p.answer[:0], p.nets.full.distribution(row)...) // Teach overwrites it
	_, err := pol.Teach(&p.state, p.answer)
	return err
}
