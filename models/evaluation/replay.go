package evaluation

import (
	"context"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// lookup answers for the nets from the table and adds up what they would have cost. It is the policy's
// view of one frame.
type lookup struct {
	specialists []*column
	groups      [][]int // masked: the classes that each specialist, in truth one net, is confined to
	selector    *column
	full        *column
	glances     []policy.Glance // of the table's frames; nil: none

	frame   int
	us      float64 // in nets
	decode  float64 // µs of decoding
	seen    uint64  // views that the frame was decoded for, a bit each
	small   bool    // masked: the one net has run on this frame
	scratch []float32
}

// charge adds what a net costs on the frame at hand; a view is decoded once.
func (l *lookup) charge(c *column) {
	l.us += c.us
	if bit := uint64(1) << c.view; l.seen&bit == 0 {
		l.seen |= bit
		l.decode += c.decode
	}
}

// Specialist returns the distribution of a specialist at its temperature.
func (l *lookup) Specialist(i int) ([]float32, error) {
	c := l.specialists[i]
	if l.groups == nil {
		l.charge(c)
		return c.distribution(l.frame), nil
	}
	if !l.small {
		l.charge(c)
		l.small = true
	}
	l.scratch = masked(l.scratch[:0], c.distribution(l.frame), l.groups[i])
	return l.scratch, nil
}

// Picture is that of the recorded frame, where there is one.
func (l *lookup) Picture() (*policy.Thumbnail, bool) {
	if l.glances == nil || !l.glances[l.frame].Seen {
		return nil, false
	}
	return &l.glances[l.frame].Picture, true
}

func (l *lookup) Selector() ([]float32, error) {
	l.charge(l.selector)
	return l.selector.row(l.frame), nil
}

func (l *lookup) Full() ([]float32, error) {
	l.charge(l.full)
	return l.full.row(l.frame), nil
}

// masked appends to out what the distribution of a net of all classes says of a group, and of the rest as "other".
func masked(out, all []float32, group []int) []float32 {
	other := float32(1)
	for _, c := range group {
		out = append(out, all[c])
		other -= all[c]
	}
	return append(out, max(0, other))
}

// player takes one policy through streams.
type player struct {
	table    *Table
	policy   policy.Policy
	nets     lookup
	feedback feedback
	always   bool // the specialist is the full model: its answers are no hits
	static   bool // the specialist is the one that knows most of the stream, and stays
	oracle   bool // the specialist that knows the frame's class is always the active one
	belady   bool // the specialist that is needed last leaves

	knows  [][]bool // of each specialist: whether it has an output for each class; where the rival uses what no policy can know
	state  policy.State
	many   *policy.Many // in place of state where there are many classes, else nil
	ranked ranked
	late   []int     // rows whose answers are on their way back, oldest first; none: the frame was a hit
	answer []float32 // scratch
	ledger *ledger   // what is counted by track; nil: nothing
	coin   *coin     // of audits; nil: there are none
	watch  func(frame, row int, d policy.Decision)
}

// coin is the coin of the frame that is played.
type coin struct {
	*audit.Coin
	stream int32
	frame  int64
}

// Toss is that of a frame of a topic of simulated streams.
func (c *coin) Toss() uint64 { return c.Coin.Toss("simulated", c.stream, c.frame) }

// ledger counts by track what bounds are made of.
type ledger struct {
	loss  clusters // full model right less policy right; of frames
	first clusters // the same in the first frames after a switch
	locks clusters // tracks locked in on a wrong class; of playings
}

func newLedger(tracks int) *ledger {
	return &ledger{newClusters(tracks), newClusters(tracks), newClusters(tracks)}
}

// none is the row of an answer that does not come back.
const none = -1

// feedback is how answers come back to the window where the policy itself does not teach it.
type feedback int

const (
	feedbackNone  feedback = iota
	feedbackAll            // every answer, hits too
	feedbackLate           // the full model's, some frames later
	feedbackFirst          // every answer of the net that is asked first
)

// lateFrames is how late the full model's answers come back in the rival that learns late.
const lateFrames = 5

// all takes the policy through streams, each from a fresh state.
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

// play takes the policy through one stream from a fresh state.
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

// teach brings answers back to the window where that is the rival's way.
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

// learn teaches the window the full model's answer about a row of the table.
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

// knows lists for each specialist whether it has an output for each class.
func knows(specialists []policy.Specialist, classes int) [][]bool {
	all := make([][]bool, len(specialists))
	for i, s := range specialists {
		all[i] = make([]bool, classes)
		for c := range classes {
			all[i][c] = s.Classes == nil
		}
		for _, c := range s.Classes {
			all[i][c] = true
		}
	}
	return all
}

// steady picks the specialist that knows most of the stream.
func (p *player) steady(s *stream) ([]*column, []policy.Specialist) {
	best, most := 0, -1
	for i := range p.policy.Specialists {
		known := 0
		for _, row := range s.rows {
			known += count(p.knows[i][p.table.labels[row]])
		}
		if known > most {
			best, most = i, known
		}
	}
	all := p.table.role(roleSpecialist)
	return all[best : best+1], p.policy.Specialists[best : best+1]
}

// foresee makes the specialist that knows the frame's class the active one, at no cost.
func (p *player) foresee(row int) {
	state := &p.state
	if p.many != nil {
		state = &p.many.State
	}
	for i := range p.policy.Specialists {
		if p.knows[i][p.table.labels[row]] {
			state.Cached = append(state.Cached[:0], i)
			return
		}
	}
}

// furthest returns the place of the held specialist whose classes come back last.
func (p *player) furthest(held []int, s *stream, now int) int {
	worst, far := 0, -1
	for at, i := range held {
		next := len(s.rows)
		for f := now + 1; f < len(s.rows); f++ {
			if p.knows[i][p.table.labels[s.rows[f]]] {
				next = f
				break
			}
		}
		if next > far {
			worst, far = at, next
		}
	}
	return worst
}
