package evaluation

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/cachenet/cachenet/models/policy"
)

// Report compares policies on the same streams.
type Report struct {
	Pack      string  `json:"pack"`
	Frames    int     `json:"frames"` // that the streams are drawn from
	Sequences int     `json:"sequences"`
	Seeds     int     `json:"seeds"`
	FullUs    float64 `json:"full_us"`   // of the full model for one frame
	DecodeUs  float64 `json:"decode_us"` // to decode a frame for it
	Kinds     []Kind  `json:"kinds"`
	Rows      []Row   `json:"policies"`
}

// Row is one policy: mean and standard deviation over the seeds.
type Row struct {
	Policy   string          `json:"policy"`
	Missing  string          `json:"missing,omitempty"` // why there are no figures
	Oracle   bool            `json:"oracle,omitempty"`  // an upper bound: it uses what no policy can know
	Over     bool            `json:"over_budget,omitempty"`
	Net      string          `json:"net,omitempty"` // file of the small net, where there is one
	Settings policy.Settings `json:"settings"`
	Mean     Figures         `json:"mean"`
	SD       Figures         `json:"sd"`
	Kinds    []Spread        `json:"kinds,omitempty"` // in the order of Report.Kinds
}

// Spread is mean and standard deviation over seeds on one kind of stream.
type Spread struct {
	Mean Figures `json:"mean"`
	SD   Figures `json:"sd"`
}

// comparison plays every policy on the same streams.
type comparison struct {
	table  *Table
	common []*arena // one for each seed
	rare   []*arena
	begin  func(what string, i, of int, name string) // called before each policy; nil: nobody asks
	done   *atomic.Int64                             // counts the simulated frames; nil: nobody asks
}

func newComparison(t *Table, tracks []track, e effort, seed uint64) *comparison {
	c := &comparison{table: t}
	for i := range e.seeds {
		n := seed + uint64(i)
		c.common = append(c.common, newArena(t, tracks, e.kinds, e.report, n))
		c.rare = append(c.rare, newArena(t, tracks, rareKinds(len(t.classes)), e.rare, n))
	}
	return c
}

// row plays one policy on all streams.
func (c *comparison) row(ctx context.Context, r rival, s Setup) (Row, error) {
	row := Row{Policy: r.name, Oracle: r.isOracle(), Over: !s.Fits && r.tuned(), Settings: s.Settings, Missing: s.Missing}
	p, err := c.table.player(r, s)
	if err != nil {
		row.Missing = err.Error()
	}
	if row.Missing != "" {
		return row, nil
	}
	if r.nets == roleSmall || r.nets == masks {
		row.Net = p.nets.specialists[0].File
	}
	var all []Figures
	perKind := make([][]Figures, len(c.common[0].kinds))
	for seed := range c.common {
		on, err := c.common[seed].run(ctx, r, s)
		if err != nil {
			return row, fmt.Errorf("%s: %w", r.name, err)
		}
		rare, err := c.rare[seed].run(ctx, r, s)
		if err != nil {
			return row, fmt.Errorf("%s: %w", r.name, err)
		}
		for k := range on {
			perKind[k] = append(perKind[k], on[k])
		}
		sum := overall(on)
		intruders := overall(rare)
		sum.RareRecall, sum.RareLoss = intruders.RareRecall, intruders.RareLoss
		all = append(all, sum)
	}
	row.Mean, row.SD = moments(all)
	for _, k := range perKind {
		mean, sd := moments(k)
		row.Kinds = append(row.Kinds, Spread{mean, sd})
	}
	return row, nil
}

// tuned reports whether the rival has a budget to keep: one that asks the full model every time has not.
func (r rival) tuned() bool { return r.nets != roleFull && !r.isOracle() }

// report plays every rival with the best of its setups that can be played, and then the pack's own.
func (c *comparison) report(ctx context.Context, id string, rivalSetups []Setup, own []ownSetup) (*Report, error) {
	rep := &Report{Pack: id, Seeds: len(c.common), FullUs: c.table.full().us, DecodeUs: c.table.full().decode, Kinds: c.common[0].kinds}
	rep.Frames, rep.Sequences = c.table.Frames()
	for _, a := range slices.Concat(c.common, c.rare) {
		a.done = c.done
	}
	rivals := c.table.plays()
	begin := func(i int, name string) {
		if c.begin != nil {
			c.begin("compare", i, len(rivals)+len(own), name)
		}
	}
	for i, r := range rivals {
		begin(i, r.name)
		row, err := c.row(ctx, r, c.table.setup(r, rivalSetups))
		if err != nil {
			return nil, err
		}
		rep.Rows = append(rep.Rows, row)
	}
	for i, o := range own {
		begin(len(rivals)+i, o.name)
		r := o.rival
		r.name = o.name
		row, err := c.row(ctx, r, o.Setup)
		if err != nil {
			return nil, err
		}
		rep.Rows = append(rep.Rows, row)
	}
	return rep, nil
}

// ownSetup is one way to run the pack.
type ownSetup struct {
	name  string
	rival rival // whose machinery it uses
	Setup
}

// setup picks the quickest setup of the rival that the nets at hand allow.
func (t *Table) setup(r rival, setups []Setup) Setup {
	name := r.name
	if r.like != "" {
		name = r.like
	}
	found := Setup{Rival: name, Settings: r.start, Missing: "not calibrated for this pack"}
	if r.nets == roleFull && !r.prior {
		found.Missing = ""
	}
	for _, s := range setups {
		if s.Rival != name {
			continue
		}
		if _, err := t.player(r, s); err != nil {
			s.Missing = err.Error()
		}
		if found.Missing != "" || s.Missing == "" && (trial{Setup: s}).better(trial{Setup: found}) {
			found = s
		}
	}
	return found
}
