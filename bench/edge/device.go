package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// device answers the frames of one stream.
type device struct {
	w       *world
	e       *endpoint
	k       contender
	t       *tally
	policy  policy.Policy
	state   policy.State
	scratch policy.State
	meter   offload.Meter
	control offload.Controller
	waiting int
	loading bool // a specialist is being downloaded
	held    []int
	prior   []float32
	q       []float32
	fused   []float32
	shares  []float32
	row     int     // of the frame at hand, for Nets
	hits    float64 // moving share
	coin    coin    // of audits
	kind    int     // of its stream, in streamKinds
}

// coin audits hits at random, the same in every run of a seed.
type coin struct{ *rand.Rand }

// Toss is uniform over 64 bits.
func (c coin) Toss() uint64 { return c.Uint64() }

func newDevice(w *world, e *endpoint, k contender, t *tally, seed uint64) *device {
	f := w.facts
	d := &device{w: w, e: e, k: k, t: t, hits: 0.8, held: []int{0}, coin: coin{rand.New(rand.NewPCG(seed, 0xc01))},
		prior: make([]float32, f.Classes), q: make([]float32, f.Classes), fused: make([]float32, f.Classes)}
	d.policy = policy.Policy{Settings: k.settings, Classes: f.Classes, SelectorTemperature: 1, FullTemperature: 1}
	d.policy.Teacher = policy.Feedback // answers come late
	if k.fusion != nil {
		d.policy.Fuse = 1 // whatever its weight, which is k's
	}
	if k.nets == "paper" {
		for _, n := range f.Paper {
			d.policy.Specialists = append(d.policy.Specialists, policy.Specialist{Classes: n.Classes, Other: n.Other, Temperature: 1, Ready: true})
		}
	} else {
		d.policy.Specialists = []policy.Specialist{{Temperature: 1, Ready: true}}
	}
	limits := offload.Limits{Waiting: mostWaiting, Deadline: k.deadline}
	switch k.control {
	case "rule":
		d.control = &offload.Rule{Costs: d.costs(), Limits: limits, Meter: &d.meter}
	case "bandit":
		d.control = &offload.Bandit{Costs: d.costs(), Limits: limits, Meter: &d.meter}
	}
	return d
}

// costs are what the device has measured of itself.
func (d *device) costs() offload.Costs {
	f, c := d.w.facts, offload.Costs{}
	c.Small, c.Decode = micros((f.DecodeUs+f.Small.Us)*d.w.factor), micros(f.DecodeUs*d.w.factor)
	if d.k.here {
		c.Full = micros(f.Full.Us * d.w.factor)
	}
	for _, i := range d.k.forms {
		c.Forms = append(c.Forms, offload.Form{Bytes: cmp.Or(d.k.code, f.Forms[i].mean()) + recordBytes, Encode: micros(f.Forms[i].EncodeUs * d.w.factor)})
	}
	return c
}

func (d *device) probes() bool { return d.control != nil }

// probe measures the link with a few bytes.
func (d *device) probe(at time.Duration) {
	if !d.meter.Due(at) {
		return
	}
	id, bytes := d.meter.Probe(at)
	d.w.on(d.e.sendUp(at, bytes), func(at time.Duration) { d.ack(at, id) })
}

// ack runs when the server's broker has a message.
func (d *device) ack(at time.Duration, id int) {
	d.w.on(d.e.sendDown(at, ackBytes), func(at time.Duration) { d.meter.Ack(at, id) })
}

// Specialist, Selector and Full answer from the facts about the frame at hand.
func (d *device) Specialist(i int) ([]float32, error) {
	f := d.w.facts
	switch d.k.nets {
	case "paper":
		return f.paper[i][d.row], nil
	case "raw":
		return f.rawSmall[d.row], nil
	}
	return f.small[d.row], nil
}
func (d *device) Selector() ([]float32, error) { return d.w.facts.selector[d.row], nil }
func (d *device) Full() ([]float32, error)     { return d.w.facts.full[0][d.row], nil }

// frame takes a frame that the camera delivers.
func (d *device) frame(at time.Duration, row int) {
	o := outcome{row: row, early: -1, class: -1, kind: d.kind}
	if d.k.nets == "" {
		d.ask(at, at, &o, offload.Choice{Action: d.k.straight, Form: d.k.form}, true)
		return
	}
	if d.control != nil && d.k.skip {
		if c := d.control.First(at, d.hits, d.e.busy(at)); c.Action != offload.Alone {
			d.t.actions[c.Action]++
			d.ask(at, at, &o, c, true)
			return
		}
	}
	f := d.w.facts
	if d.k.always {
		d.parallel(at, &o)
		return
	}
	us := f.DecodeUs + f.Small.Us
	if d.k.nets == "paper" {
		us = f.DecodeUs + f.Paper[0].Us
	}
	d.w.on(d.e.work(at, us), func(now time.Duration) { d.decide(at, now, &o) })
}

// decide runs when the small net has answered.
func (d *device) decide(at, now time.Duration, o *outcome) {
	d.row = o.row
	decision, err := d.policy.DecideAudited(&d.state, d, true, d.coin)
	if err != nil {
		d.w.fail(err)
		return
	}
	o.earlier = policy.Earlier{Outcome: schemas.Miss, Sure: -1}
	if decision.Asked {
		o.earlier.Unsure = decision.Small.Class + 1
	}
	o.early, o.first = decision.Class, now-at
	if decision.Hit {
		d.hits += 0.02 * (1 - d.hits)
		o.hit, o.class, o.settled = true, decision.Class, now-at
		o.earlier = policy.Earlier{Outcome: schemas.Hit, Sure: decision.Class}
		if !decision.Audited {
			d.settle(now, *o, offload.Choice{}, true)
			return
		}
		d.audit(at, now, o)
		return
	}
	d.hits -= 0.02 * d.hits
	if d.policy.Sure(decision.Small, decision.Threshold) && decision.Asked {
		o.earlier.Sure = decision.Small.Class
	}
	if o.early = decision.Small.Class; o.early < 0 || !decision.Asked {
		o.early = policy.Largest(d.w.facts.small[o.row]) // the specialist says "other", and its second class is not recorded
	}
	c := offload.Choice{Action: d.k.miss, Form: d.k.form, Provisional: d.k.deadline > 0}
	if d.control != nil {
		c = d.control.Miss(now, d.e.busy(now))
	}
	d.t.actions[c.Action]++
	d.ask(at, now, o, c, false)
}

// audit gets the full model's answer for a hit; the hit's own answer stands.
func (d *device) audit(at, now time.Duration, o *outcome) {
	c := offload.Choice{Action: d.k.miss, Form: d.k.form, Provisional: d.k.deadline > 0}
	if d.control != nil {
		if c = d.control.Miss(now, d.e.busy(now)); c.Action == offload.Alone {
			c = offload.Choice{Action: offload.Ask, Form: c.Form} // an audit never goes without an answer
		}
	}
	d.ask(at, now, o, c, false)
}

// ask carries out a choice for a frame. straight: the small net did not run.
func (d *device) ask(at, now time.Duration, o *outcome, c offload.Choice, straight bool) {
	if c.Action == offload.Ask && d.waiting >= mostWaiting {
		c.Action = offload.Alone
	}
	switch c.Action {
	case offload.Alone:
		o.class, o.settled = o.early, now-at
		if straight {
			o.settled, o.first = 0, 0 // dropped
		}
		d.t.frames = append(d.t.frames, *o)
	case offload.Here:
		d.here(now, straight, func(end time.Duration) { d.answered(at, now, end, o, c, 0, straight, true) })
	case offload.Ask:
		d.send(at, now, o, c, straight)
	}
}

// here runs the full model on the device.
func (d *device) here(now time.Duration, decode bool, done func(end time.Duration)) {
	us := d.w.facts.Full.Us
	if decode {
		us += d.w.facts.DecodeUs
	}
	d.w.on(d.e.work(now, us), done)
}

// send sends a frame to the server. After the choice's patience the full model on the device runs too; the first answer counts.
func (d *device) send(at, now time.Duration, o *outcome, c offload.Choice, straight bool) {
	f, form := d.w.facts, c.Form
	if d.control != nil {
		form = d.k.forms[c.Form]
	}
	d.waiting++
	sent := now
	if us := f.Forms[form].EncodeUs; us > 0 {
		sent = d.e.work(now, us)
	}
	settled := false
	settle := func(back time.Duration, form int, here bool) {
		if !settled {
			settled = true
			d.answered(at, now, back, o, c, form, straight, here)
		}
	}
	id := 0
	if c.Patience > 0 {
		d.w.on(now+c.Patience, func(late time.Duration) {
			if !settled {
				d.meter.Release(id, late)
				d.here(late, straight, func(end time.Duration) { settle(end, 0, true) })
			}
		})
	}
	d.w.on(sent, func(sent time.Duration) {
		r := &request{form: form, row: o.row, bytes: cmp.Or(d.k.code, int(f.Forms[form].Bytes[o.row])) + recordBytes, after: d.specialist(o.row)}
		if d.control != nil {
			id = d.meter.Send(sent, r.bytes)
			r.held = func(at time.Duration) { d.ack(at, id) }
		}
		r.listed = len(listed(f.full[form][o.row], !d.k.single))
		r.back = func(back time.Duration) {
			d.waiting--
			if d.control != nil {
				d.meter.Answer(id, back)
			}
			settle(back, form, false)
		}
		d.e.ask(sent, r)
	})
}

// answered runs when the full model has answered: it settles the frame and updates the window.
func (d *device) answered(at, chosen, now time.Duration, o *outcome, c offload.Choice, form int, straight, here bool) {
	f := d.w.facts
	full := f.full[form][o.row]
	told := d.told(full, here, !d.k.single)
	if o.settled = now - at; !o.hit {
		o.class = d.settledClass(o.row, told, straight)
	}
	if !c.Provisional {
		o.first, o.early = o.settled, o.class
	}
	if d.control != nil && !straight {
		d.control.Settled(now, c, false, now-chosen)
	}
	d.settle(now, *o, c, !straight)
	if d.k.nets == "" || d.k.nets == "paper" {
		return // with the paper's protocol the state changes when a specialist has been downloaded
	}
	if _, err := d.policy.TeachLate(&d.state, d.told(full, here, !d.k.single && !d.k.untaught), o.earlier); err != nil {
		d.w.fail(err)
	}
}

// settledClass returns the class of a miss that the full model has answered: its own, or that of its answer fused with the
// window's prior.
func (d *device) settledClass(row int, told []float32, straight bool) int {
	if straight || d.k.fusion == nil || !d.policy.FusePrior(d.prior, &d.state) {
		return policy.Largest(told)
	}
	if d.k.examples != nil {
		f := d.w.facts
		*d.k.examples = append(*d.k.examples, offload.Example{Class: f.Labels[row], Group: f.tracks[row], Full: slices.Clone(told), Prior: slices.Clone(d.prior)})
	}
	class, err := d.k.fusion.Combine(d.fused, told, d.prior)
	if err != nil {
		d.w.fail(err)
		return policy.Largest(told)
	}
	return class
}

// told returns a distribution as it reaches the device: the whole one from the full model on the device, otherwise the
// probabilities of the likeliest classes, or of one class.
func (d *device) told(full []float32, here, several bool) []float32 {
	if here {
		return append(d.q[:0], full...)
	}
	classes := listed(full, several)
	d.shares = d.shares[:0]
	for _, c := range classes {
		d.shares = append(d.shares, full[c])
	}
	if err := policy.Spread(d.q, classes, d.shares); err != nil {
		d.w.fail(err)
	}
	return d.q
}

// listed returns the classes that an answer lists.
func listed(full []float32, several bool) []int {
	if !several {
		return policy.Top(full, 1, 1)
	}
	return policy.Top(full, schemas.MostRanked, schemas.RankedShare)
}

func (d *device) settle(now time.Duration, o outcome, c offload.Choice, small bool) {
	d.t.frames = append(d.t.frames, o)
	if d.control != nil {
		if small {
			c = offload.Choice{}
		}
		d.control.Settled(now, c, true, o.settled)
	}
}

// parallel sends a frame at once, while the small net runs: it bounds what the server's latency can buy.
func (d *device) parallel(at time.Duration, o *outcome) {
	f := d.w.facts
	d.row = o.row
	d.e.work(at, f.DecodeUs+f.Small.Us)
	if _, err := d.policy.Decide(&d.state, d, false); err != nil {
		d.w.fail(err)
		return
	}
	o.early, o.first = policy.Largest(f.small[o.row]), d.e.free-at
	o.earlier = policy.Earlier{Outcome: schemas.Miss, Sure: -1}
	d.ask(at, at, o, offload.Choice{Action: offload.Ask, Form: d.k.form, Provisional: true}, false)
}
