package evaluation

import (
	"context"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// player runs one policy over streams.
type player struct {
	table    *Table
	policy   policy.Policy
	nets     lookup
	feedback feedback
	always   bool // the specialist is the full model: its answers are no hits
	static   bool // the specialist is always the one that knows most of the stream
	oracle   bool // the specialist that knows the frame's class is always the active one
	belady   bool // the specialist that is needed last is evicted

	knows  [][]bool // of each specialist: whether it has an output for each class; where the rival uses what no policy can know
	state  policy.State
	many   *policy.Many // in place of state where there are many classes, else nil
	ranked ranked
	late   []int     // rows whose answers are on their way back, oldest first; none: the frame was a hit
	answer []float32 // scratch
	ledger *ledger   // counts by track; nil: none
	coin   *coin     // of audits; nil: there are none
	watch  func(frame, row int, d policy.Decision)
}

// coin is the coin of the current frame.
type coin struct {
	*audit.Coin
	stream int32
	frame  int64
}

// Toss is that of a frame of a topic of simulated streams.
func (c *coin) Toss() uint64 { return c.Coin.Toss("simulated", c.stream, c.frame) }

// ledger counts by track what the bounds need.
type ledger struct {
	loss  clusters // full model right less policy right; of frames
	first clusters // the same in the first frames after a switch
	locks clusters // tracks locked in on a wrong class; of playings
}

func newLedger(tracks int) *ledger {
	return &ledger{newClusters(tracks), newClusters(tracks), newClusters(tracks)}
}

// all runs the policy over streams, each from a fresh state.
func (p *player) all(ctx context.Context, streams []stream) (tally, error) {
	var sum tally
	for i := range streams {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		one, err := p.play(&streams[i])
		if err != nil {
			return sum, err
		}
		sum.add(one)
	}
	return sum, nil
}

// play runs the policy over one stream from a fresh state.
func (p *player) play(s *stream) (tally, error) {
	p.state, p.late = policy.State{}, nil
	pol := p.policy
	if p.static {
		p.nets.specialists, pol.Specialists = p.steady(s)
	}
	if p.many != nil {
		p.many.Restart(&pol)
	}
	var sum tally
	locks := lockCounter{table: p.table, stream: s}
	if p.ledger != nil {
		locks.byTrack = p.ledger.locks
	}
	if p.coin != nil {
		p.coin.stream++
	}
	for i, row := range s.rows {
		if p.belady {
			pol.Victim = func(held []int) int { return p.furthest(held, s, i) }
		}
		if p.oracle && i > 0 { // the first frame meets the specialist that every stream starts with
			p.foresee(row)
		}
		class, hit, event, err := p.frame(&pol, i, row)
		if err != nil {
			return sum, err
		}
		p.count(&sum, s, i, class, hit, event)
		locks.see(i, class)
	}
	sum.plays, sum.locked = locks.finish()
	return sum, nil
}

// frame decides one frame and returns the class that is answered in the end.
func (p *player) frame(pol *policy.Policy, i, row int) (class int, hit bool, event string, err error) {
	p.nets.frame, p.nets.small, p.nets.seen = row, false, 0
	var toss policy.Coin
	if p.coin != nil {
		p.coin.frame, toss = int64(i), p.coin
	}
	var d policy.Decision
	if p.many != nil {
		d = p.many.Decide(&p.ranked)
	} else if d, err = p.decide(pol, i, row, toss); err != nil {
		return 0, false, "", err
	}
	if p.watch != nil {
		p.watch(i, row, d)
	}
	class, event = d.Class, d.CacheEvent
	if d.Audited && pol.Teacher == policy.Selector {
		p.nets.charge(p.nets.full)
	}
	if !d.Answered {
		class = p.table.best[row]
		p.nets.charge(p.nets.full)
	}
	return class, (d.Hit || d.Same) && !p.always, event, p.teach(pol, row, d)
}

// simulatedMs is the time from one frame of a simulated stream to the next.
const simulatedMs = 100

// decide answers frame i of a stream: with the answer of the one before where the two are nearly equal and the policy
// repeats answers.
func (p *player) decide(pol *policy.Policy, i, row int, toss policy.Coin) (policy.Decision, error) {
	if pol.Similar <= 0 || p.table.glances == nil {
		return pol.DecideAudited(&p.state, &p.nets, true, toss)
	}
	g := p.table.glances[row]
	g.At = int64(i) * simulatedMs
	p.nets.decode += p.table.glance
	if pol.Repeats(&p.state, g) {
		return pol.Repeat(&p.state, g, &p.nets, toss), nil
	}
	d, err := pol.DecideAudited(&p.state, &p.nets, true, toss)
	if err == nil {
		pol.Answered(&p.state, g, d)
	}
	return d, err
}

// count adds one frame to the tally.
func (p *player) count(sum *tally, s *stream, i, class int, hit bool, event string) {
	row := s.rows[i]
	right, fullRight := class == p.table.labels[row], p.table.best[row] == p.table.labels[row]
	one := tally{frames: 1, hits: count(hit), right: count(right), fullRight: count(fullRight), agree: count(class == p.table.best[row])}
	one.loads = count(event == schemas.CacheLoad || event == schemas.CacheEvict)
	if since := s.since[i]; since >= 0 && since < firstFrames && !s.rare[i] {
		one.first, one.firstRight, one.firstFull = 1, one.right, one.fullRight
	}
	if s.rare[i] {
		one.rare, one.rareRight, one.rareFull = 1, one.right, one.fullRight
	}
	if l := p.ledger; l != nil && !s.rare[i] {
		track, lost := p.table.trackOf[row], float64(one.fullRight-one.right)
		l.loss.add(track, lost)
		if one.first > 0 {
			l.first.add(track, lost)
		}
	}
	one.us, one.decode = p.nets.us, p.nets.decode
	p.nets.us, p.nets.decode = 0, 0
	sum.add(one)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
