package evaluation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// Trust is what audits are worth on a pack: every figure over a number of runs, each with streams and coins of its own.
// Pictures that the small net does not know are played as the worst kind: it takes a quarter of the classes for others,
// as surely as it knows those, while the full model goes on to know them. Of fewer than fewClasses it is a quarter of the sequences of each.
type Trust struct {
	Pack  string
	Runs  int
	Limit float64 // MaxFalseHits

	Covered  Ratio      // runs in which the bound was never below the wrong hits there had been
	Speedup  [3]float64 // over the full model alone: without audits, with, and with the limit
	FullOnly float64    // cost over that of the full model alone, without locality

	Drifting [3]Drift // streams that come to show more and more unknown classes: without audits, with, and with the limit
	Switch   [3]Drift // streams that switch to unknown classes at once, in the same ways; losses of the first 30 frames
	Leave    [2][]int // frames from that switch until the full model answers, of each run, with audits and with the limit
	Fixed    [3]Drift // as Switch, on streams whose sequences are all of one camera; none: cameras are not known
	Drifts   float64  // drift events per 10,000 frames of streams of known classes …
	False    float64  // … and those of them where the small net is right often enough: false alarms
}

// Ratio is some of all.
type Ratio struct{ Some, All int }

// Drift is the loss of accuracy against the full model, 0 … 1.
type Drift struct {
	Mean, Worst float64
	Within      Ratio // runs with at most one point
}

// budgetPoint is the loss that a run may have.
const budgetPoint = 0.01

// MeasureTrust plays the pack's policy over a table of its nets' answers.
func MeasureTrust(ctx context.Context, p *models.Pack, t *Table, runs int, limit float64, seed uint64) (*Trust, error) {
	if err := t.settle(); err != nil {
		return nil, err
	}
	m := &trustMeter{table: t, setup: packSetups(p)[0], audited: packSetups(p)[1], out: &Trust{Pack: p.ID(), Runs: runs, Limit: limit}}
	m.choose()
	if err := m.confuse(); err != nil {
		return nil, err
	}
	for _, part := range []func(context.Context, uint64) error{m.coverage, m.drifting, m.switching, m.stationary, m.costs} {
		if err := part(ctx, seed); err != nil {
			return nil, err
		}
	}
	return m.out, nil
}

type trustMeter struct {
	table    *Table
	confused *Table  // the same with a small net that takes the unknown classes for others
	tracks   []track // those of the table; unknown ones have a class of their own, by as much above that of the table as there are classes
	setup    ownSetup
	audited  ownSetup // the same in runs with audits and without a limit
	out      *Trust
}

// fewClasses are too few for whole ones to be unknown.
const fewClasses = 8

// choose says which sequences are unknown.
func (m *trustMeter) choose() {
	k, seen := len(m.table.classes), map[int]int{}
	for _, tr := range m.table.tracks {
		at := tr.class
		if k < fewClasses {
			at = seen[tr.class]
			seen[tr.class]++
		}
		if at%4 == 1 {
			tr.class += k
		}
		m.tracks = append(m.tracks, tr)
	}
}

func (m *trustMeter) unknown(tr track) bool { return tr.class >= len(m.table.classes) }

// confuse makes the table in which frames of unknown classes have the small nets' answers about frames of others.
func (m *trustMeter) confuse() error {
	c := *m.table
	c.nets = slices.Clone(c.nets)
	var known []track
	var some bool
	for _, tr := range m.tracks {
		if some = some || m.unknown(tr); !m.unknown(tr) {
			known = append(known, tr)
		}
	}
	if len(known) == 0 || !some {
		return fmt.Errorf("measure audits: %d sequences of %d classes are too few", len(c.tracks), len(c.classes))
	}
	for i := range c.nets {
		n := &c.nets[i]
		if n.Role == roleFull || n.Role == roleSelector {
			continue
		}
		n.logits, n.shares = slices.Clone(n.logits), slices.Clone(n.shares)
		for _, tr := range m.tracks {
			if !m.unknown(tr) {
				continue
			}
			like := m.like(known, tr.class-len(c.classes))
			for f := range tr.frames {
				to, from := tr.first+f, like.first+f%like.frames
				copy(n.logits[to*n.outputs:(to+1)*n.outputs], m.table.nets[i].row(from))
				copy(n.shares[to*n.outputs:(to+1)*n.outputs], m.table.nets[i].distribution(from))
			}
		}
	}
	m.confused = &c
	return nil
}

// like is the known sequence that those of an unknown class are taken for: always the same one, so that the mistake is
// constant, and one of another class; of few classes the longest, since short ones are those that the nets hesitate about.
func (m *trustMeter) like(known []track, class int) track {
	var best track
	for i := range known {
		tr := known[(class*31+i)%len(known)]
		switch {
		case tr.class == class || tr.frames <= best.frames:
		case len(m.table.classes) >= fewClasses:
			return tr
		default:
			best = tr
		}
	}
	return best
}

// player returns the pack's policy, with a coin of its own.
func (m *trustMeter) player(t *Table, rate, limit float64, secret string) (*player, error) {
	s := m.setup.Setup
	if rate > 0 && limit == 0 {
		s = m.audited.Setup
	}
	s.Settings.AuditRate, s.Settings.MaxFalseHits = float32(rate), float32(limit)
	p, err := t.player(m.setup.rival, s)
	if err == nil && rate > 0 {
		p.coin = &coin{Coin: audit.NewCoin([]byte(secret))}
	}
	return p, err
}

// ways are audit rate and limit of the three ways to run that are compared.
func (m *trustMeter) ways() [3][2]float64 {
	return [3][2]float64{{0, 0}, {auditRate, 0}, {auditRate, m.out.Limit}}
}

// stretches draws a stream of stretches, each of so many frames of classes that are unknown with a given probability.
func (m *trustMeter) stretches(seed uint64, dwell int, unknown ...float64) stream {
	rng := rand.New(rand.NewPCG(seed, 0x7a57))
	d := newDrawer(m.tracks, 2*len(m.table.classes), nil, seed)
	var pools [2][]int
	for _, c := range d.known {
		unknown := count(c >= len(m.table.classes))
		pools[unknown] = append(pools[unknown], c)
	}
	var s stream
	for _, share := range unknown {
		active := make([]int, 3)
		for i := range active {
			pool := pools[count(rng.Float64() < share)]
			active[i] = pool[rng.IntN(len(pool))]
		}
		d.dwell(&s, active, dwell, 0)
	}
	return s
}

// coverage looks at the bound at every wrong hit of streams that stay, switch and drift.
func (m *trustMeter) coverage(ctx context.Context, seed uint64) error {
	m.out.Covered.All = m.out.Runs
	for run := range m.out.Runs {
		p, err := m.player(m.confused, auditRate, 0, fmt.Sprint("coverage ", seed, run))
		if err != nil {
			return err
		}
		var c audit.Count
		wrong, held := int64(0), true
		p.watch = func(_, row int, d policy.Decision) {
			if !d.Hit {
				return
			}
			is := d.Class != m.table.best[row]
			c.Add(d.AuditRate, d.Audited, d.Audited && is)
			if is {
				wrong++
				held = held && c.Result(audit.Alpha).Bound >= wrong
			}
		}
		s := m.stretches(seed+uint64(run), 200, 0, 0, 0, 0.3, 0, 1, 0, 0, 0.3, 0.3, 1, 1)
		if _, err := p.all(ctx, []stream{s}); err != nil {
			return err
		}
		m.out.Covered.Some += count(held)
	}
	return nil
}

func (d *Drift) add(lost, frames int) {
	loss := float64(lost) / float64(max(1, frames))
	d.Mean = (d.Mean*float64(d.Within.All) + loss) / float64(d.Within.All+1)
	d.Within.All++
	d.Within.Some += count(loss <= budgetPoint)
	d.Worst = max(d.Worst, loss)
}

// drifting plays streams that come to show unknown classes.
func (m *trustMeter) drifting(ctx context.Context, seed uint64) error {
	for run := range m.out.Runs {
		var ramp []float64
		for i := range 50 {
			ramp = append(ramp, max(0, float64(i-10)/40))
		}
		s := m.stretches(seed+uint64(run)<<8, 200, ramp...)
		for i, way := range m.ways() {
			p, err := m.player(m.confused, way[0], way[1], fmt.Sprint("drifting ", seed, run))
			if err != nil {
				return err
			}
			sum, err := p.all(ctx, []stream{s})
			if err != nil {
				return err
			}
			m.out.Drifting[i].add(sum.fullRight-sum.right, sum.frames)
		}
	}
	return nil
}

// switchAt is the frame at which streams switch to unknown classes.
const switchAt = 400

// switching plays streams that switch to unknown classes.
func (m *trustMeter) switching(ctx context.Context, seed uint64) error {
	for run := range 5 * m.out.Runs {
		seed := seed + uint64(run)<<9
		secret := fmt.Sprint("switching ", seed, run)
		s := m.stretches(seed, 200, 0, 0, 1)
		fixed, some := m.oneCamera(seed, 200, 0, 0, 1)
		for i, way := range m.ways() {
			lost, after, err := m.switched(ctx, s, way, secret)
			if err != nil {
				return err
			}
			m.out.Switch[i].add(lost, firstFrames)
			if i > 0 {
				m.out.Leave[i-1] = append(m.out.Leave[i-1], after)
			}
			if !some {
				continue
			}
			if lost, _, err = m.switched(ctx, fixed, way, secret); err != nil {
				return err
			}
			m.out.Fixed[i].add(lost, firstFrames)
		}
	}
	return nil
}

// switched plays one such stream: what its first frames after the switch lose, and frames until its net is left.
func (m *trustMeter) switched(ctx context.Context, s stream, way [2]float64, secret string) (lost, after int, err error) {
	p, err := m.player(m.confused, way[0], way[1], secret)
	if err != nil {
		return 0, 0, err
	}
	after = len(s.rows)
	p.watch = func(f, row int, d policy.Decision) {
		if f >= switchAt && f < switchAt+firstFrames && d.Hit {
			lost += count(m.table.best[row] == m.table.labels[row]) - count(d.Class == m.table.labels[row])
		}
		if f >= switchAt && d.CacheEvent == schemas.TrustBypass {
			after = min(after, f-switchAt)
		}
	}
	_, err = p.all(ctx, []stream{s})
	return lost, after, err
}

// costs compares the time in nets with and without audits, and without locality with that of the full model.
func (m *trustMeter) costs(ctx context.Context, seed uint64) error {
	for i, way := range m.ways() {
		var all []Figures
		for _, k := range kinds(len(m.table.classes), false) {
			p, err := m.player(m.table, way[0], way[1], fmt.Sprint("costs ", seed))
			if err != nil {
				return err
			}
			sum, err := p.all(ctx, newDrawer(m.table.tracks, len(m.table.classes), nil, seed).draw(k, 60*m.out.Runs))
			if err != nil {
				return err
			}
			all = append(all, sum.figures(m.table.full()))
		}
		m.out.Speedup[i] = overall(all).Speedup
	}
	return m.useless(ctx, seed)
}

// useless plays frames without order past a small net that is never sure: what is asked of it is pure loss.
func (m *trustMeter) useless(ctx context.Context, seed uint64) error {
	p, err := m.player(m.table, auditRate, 0, fmt.Sprint("useless ", seed))
	if err != nil {
		return err
	}
	p.policy.Threshold = 2 // of a confidence: none passes
	sum, err := p.all(ctx, newDrawer(m.table.tracks, len(m.table.classes), nil, seed).draw(Kind{}, 60*m.out.Runs))
	m.out.FullOnly = sum.us / float64(max(1, sum.frames)) / m.table.full().us
	return err
}
