package offload

import (
	"math"
	"time"
)

// Bandit learns from the times of its choices, without a model of the link: discounted UCB (Garivier and Moulines, "On
// Upper-Confidence Bound Policies for Switching Bandit Problems", 2011) over two small tables, one for First and one for Miss.
// Costs are logarithms of seconds, so that a step is a ratio; the choice with the lowest lower bound wins. Trying hopeless arms
// would cost too much, so an arm whose measured time is beyond [Within] of the best is closed: a probe, which costs a few bytes,
// shows when that changes.
type Bandit struct {
	Costs
	Limits
	Meter *Meter
	first table
	miss  table
	ready bool
}

// table is a discounted bandit.
type table struct {
	arms []arm
}

// arm is one choice with its discounted observations.
type arm struct {
	choice Choice
	n, sum float64 // settled pulls and the sum of their costs
	seen   time.Duration
}

// Settings of the bandit.
const (
	banditMemory = 10 * time.Second // after which an observation counts a third
	Within       = 1.5              // an arm is open up to so many times the least expected cost
	explore      = 0.3              // width of the confidence bound: half an order of magnitude at n = 3
)

func (b *Bandit) start() {
	if b.ready {
		return
	}
	b.ready = true
	b.first.arms = []arm{{choice: Choice{}}}
	if b.Full > 0 {
		b.first.arms = append(b.first.arms, arm{choice: Choice{Action: Here}})
		b.miss.arms = append(b.miss.arms, arm{choice: Choice{Action: Here}})
	}
	if len(b.Forms) > 0 {
		b.first.arms = append(b.first.arms, arm{choice: Choice{Action: Ask}})
	}
	for i := range b.Forms {
		b.miss.arms = append(b.miss.arms, arm{choice: Choice{Action: Ask, Form: i}})
	}
}

// First chooses whether the small net runs.
func (b *Bandit) First(at time.Duration, hitRate float64, busy time.Duration) Choice {
	b.start()
	miss := b.expect(at, busy, b.miss.arms, false)
	small := busy + b.Small
	if least := lowest(miss); least >= 0 {
		small += time.Duration((1 - hitRate) * float64(max(0, least-busy)))
	}
	expected := b.expect(at, busy, b.first.arms, true)
	expected[0] = small
	if c, _ := b.first.choose(at, expected); !b.late(expected[b.first.find(c)]) {
		return b.patient(at, c)
	}
	return Choice{}
}

// Miss chooses the net for a frame that the small net does not settle.
func (b *Bandit) Miss(at, busy time.Duration) Choice {
	b.start()
	c, cost := b.miss.choose(at, b.expect(at, busy, b.miss.arms, false))
	c.Provisional = c.Action != Alone && (b.late(seconds(cost)) || b.Deadline > 0 && c.Action == Ask && !b.Meter.Known())
	return b.patient(at, c)
}

// patient sets the patience of a choice of the server.
func (b *Bandit) patient(at time.Duration, c Choice) Choice {
	if c.Action == Ask {
		c.Patience = b.patience(b.Meter.Expect(at, b.Forms[c.Form].Bytes), b.Meter)
	}
	return c
}

// expect returns the expected time of each arm from the measurements; -1: closed.
func (b *Bandit) expect(at, busy time.Duration, arms []arm, decode bool) []time.Duration {
	all := make([]time.Duration, len(arms))
	open := b.open(b.Meter, at, b.Full > 0)
	for i, a := range arms {
		switch {
		case a.choice.Action == Here:
			all[i] = busy + b.Full
			if decode {
				all[i] += b.Decode
			}
		case a.choice.Action == Ask && open:
			f := b.Forms[a.choice.Form]
			all[i] = f.Encode + b.Meter.Expect(at, f.Bytes)
			if b.Full > 0 {
				all[i] = time.Duration(float64(all[i]) / b.Meter.discount())
			}
		default:
			all[i] = -1
		}
	}
	return all
}

// lowest returns the least time of the open arms, -1 if all are closed.
func lowest(expected []time.Duration) time.Duration {
	least := time.Duration(-1)
	for _, e := range expected {
		if e >= 0 && (least < 0 || e < least) {
			least = e
		}
	}
	return least
}

// Settled adds an observation. A frame that the small net answered counts for First alone.
func (b *Bandit) Settled(at time.Duration, c Choice, first bool, took time.Duration) {
	b.start()
	t := &b.miss
	if first {
		t = &b.first
	}
	for i := range t.arms {
		if a := &t.arms[i]; a.choice.Action == c.Action && a.choice.Form == c.Form {
			a.discount(at)
			a.n++
			a.sum += math.Log(max(1e-6, took.Seconds()))
		}
	}
}

func (a *arm) discount(at time.Duration) {
	keep := math.Exp(-max(0, at-a.seen).Seconds() / banditMemory.Seconds())
	a.n, a.sum, a.seen = keep*a.n, keep*a.sum, max(a.seen, at)
}

// find returns the arm of a choice, the first if there is none.
func (t *table) find(c Choice) int {
	for i, a := range t.arms {
		if a.choice.Action == c.Action && a.choice.Form == c.Form {
			return i
		}
	}
	return 0
}

// choose returns the arm with the lowest bound among the open ones near the best, and its mean cost in seconds, or the expected
// one if it has none; Alone if no arm is open.
func (t *table) choose(at time.Duration, expected []time.Duration) (Choice, float64) {
	total := 0.0
	for i := range t.arms {
		t.arms[i].discount(at)
		total += t.arms[i].n
	}
	limit := time.Duration(Within * float64(lowest(expected)))
	best, least, cost := Choice{}, math.Inf(1), 0.0
	for i, a := range t.arms {
		if expected[i] < 0 || expected[i] > limit {
			continue
		}
		mean := expected[i].Seconds()
		bound := math.Log(max(1e-6, mean)) - 1 // not tried lately: the measured time, less a bonus for trying it
		if a.n > 0.05 {
			mean = math.Exp(a.sum / a.n)
			bound = a.sum/a.n - explore*math.Sqrt(math.Log(max(math.E, total))/a.n)
		}
		if bound < least {
			best, least, cost = a.choice, bound, mean
		}
	}
	return best, cost
}
