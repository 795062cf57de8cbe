package evaluation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/policy"
)

// Names of the policies that are compared.
const (
	fullOnly          = "full only"
	fullPrior         = "full + prior"
	cascade           = "small cascade"
	smallAll          = "small + prior, all answers"
	smallSelector     = "small + prior, selector"
	smallFull         = "small + prior, full"
	smallSure         = "small + prior, sure hits"
	smallShared       = "small + shared prior"
	smallAdaptive     = "small + adaptive prior"
	smallLate         = "small + prior, full 5 late"
	staticSpecialist  = "static best specialist"
	paper             = "paper's protocol"
	maskedGlobal      = "masked global + prior"
	specialistsPrior  = "specialists + prior"
	specialistsShared = "specialists, shared prior"
	specialistsOwn    = "specialists, adaptive prior"
	contextsPrior     = "contexts + prior"
	contextsShared    = "contexts, shared prior"
	contextsOwn       = "contexts, adaptive prior"
	oracleSelector    = "oracle selector"
	clairvoyant       = "clairvoyant eviction"
	thisPack          = "this pack"
	thisPackGuarded   = "this pack, guard on"
	thisPackTransform = "this pack, by selector"
	thisPackAudited   = "this pack, audits 1 %"
	thisPackSimilar   = "… and --skip-similar"
)

// rival is one policy of the comparison: what it needs, and which of its settings may be tuned.
type rival struct {
	name     string
	nets     string // role of what it caches: small, specialist, context, full; masked: the small net confined to the specialists' groups
	start    policy.Settings
	feedback feedback
	teachers []string // that may be chosen from
	prior    bool     // alpha and decay may be tuned
	cache    bool     // capacity, tries and admission may be tuned
	trust    bool     // trust may be tuned
	share    bool     // share may be tuned
	like     string   // an oracle: it takes the settings of this rival
	static   bool
	oracle   bool
	belady   bool
	ships    bool // a pack can be made of it
	live     bool // as a run plays it: streams are bypassed where the cache does not pay
}

const masks = "masked"

// base are the settings that tuning starts from; the threshold is always searched.
func base(edit func(*policy.Settings)) policy.Settings {
	s := policy.Settings{Kind: policy.Window, Score: policy.Confidence, Threshold: 0.9, Teacher: policy.Inline, Alpha: 0.3, Decay: 0.8, Capacity: 1}
	if edit != nil {
		edit(&s)
	}
	return s
}

// sure lets hits teach that the net is sure of without the prior. They are many, so that each may teach less.
func sure(s policy.Settings) policy.Settings {
	s.Trust, s.Decay = 0.97, 0.9
	return s
}

// shared weights the prior by its recent predictive accuracy.
func shared(s policy.Settings) policy.Settings {
	s.Share, s.Alpha = 0.05, 0.08
	return s
}

// adaptive does both.
func adaptive(s policy.Settings) policy.Settings { return shared(sure(s)) }

// rivals lists all policies that are compared, in the order of the table.
func rivals() []rival {
	feedback := base(func(s *policy.Settings) { s.Teacher = policy.Feedback })
	selector := base(func(s *policy.Settings) { s.Teacher = policy.Selector })
	plain := base(func(s *policy.Settings) { s.Alpha = 1 })
	three := base(func(s *policy.Settings) { s.Capacity = 3 })
	paperStart := base(func(s *policy.Settings) {
		s.Kind, s.Score, s.Teacher, s.Threshold = policy.Paper, policy.Entropy, policy.Selector, 0.3
	})
	always := base(func(s *policy.Settings) { s.Threshold, s.Teacher = 0, policy.Feedback })
	return []rival{
		{name: fullOnly, nets: roleFull, start: base(func(s *policy.Settings) { s.Kind = policy.Full })},
		{name: fullPrior, nets: roleFull, start: always, feedback: feedbackFirst, prior: true},
		{name: cascade, nets: roleSmall, start: plain, ships: true},
		{name: smallAll, nets: roleSmall, start: feedback, feedback: feedbackAll, prior: true},
		{name: smallSelector, nets: roleSmall, start: selector, prior: true, ships: true},
		{name: smallFull, nets: roleSmall, start: base(nil), prior: true, ships: true},
		{name: smallSure, nets: roleSmall, start: sure(base(nil)), prior: true, trust: true, ships: true},
		{name: smallShared, nets: roleSmall, start: shared(base(nil)), prior: true, share: true, ships: true},
		{name: smallAdaptive, nets: roleSmall, start: adaptive(base(nil)), prior: true, trust: true, share: true, ships: true},
		{name: smallLate, nets: roleSmall, start: feedback, feedback: feedbackLate, prior: true},
		{name: staticSpecialist, nets: roleSpecialist, start: plain, static: true},
		{name: paper, nets: roleSpecialist, start: paperStart, cache: true},
		{name: maskedGlobal, nets: masks, start: three, prior: true, cache: true, teachers: []string{policy.Inline, policy.Selector}},
		{name: specialistsPrior, nets: roleSpecialist, start: three, prior: true, cache: true, teachers: []string{policy.Inline, policy.Selector}, ships: true},
		{name: specialistsShared, nets: roleSpecialist, start: shared(three), prior: true, cache: true, share: true, ships: true},
		{name: specialistsOwn, nets: roleSpecialist, start: adaptive(three), prior: true, cache: true, trust: true, share: true, ships: true},
		{name: contextsPrior, nets: roleContext, start: three, prior: true, cache: true, teachers: []string{policy.Inline, policy.Selector}, ships: true},
		{name: contextsShared, nets: roleContext, start: shared(three), prior: true, cache: true, share: true, ships: true},
		{name: contextsOwn, nets: roleContext, start: adaptive(three), prior: true, cache: true, trust: true, share: true, ships: true},
		{name: oracleSelector, nets: roleSpecialist, like: specialistsPrior, oracle: true},
		{name: clairvoyant, nets: roleSpecialist, like: specialistsPrior, belady: true},
	}
}

// plays lists the rivals that take part. Those by context do where nets were trained for contexts; all others always, if only
// to say which net they lack.
func (t *Table) plays() []rival {
	return slices.DeleteFunc(rivals(), func(r rival) bool { return r.nets == roleContext && len(t.role(roleContext)) == 0 })
}

// isOracle reports whether the rival is an upper bound: it uses what no policy can know.
func (r rival) isOracle() bool { return r.like != "" || r.static }

// Setup is a rival as it was tuned.
type Setup struct {
	Rival     string          `json:"rival"`
	Small     string          `json:"small,omitempty"` // sha256 of the small net, where one takes part
	Settings  policy.Settings `json:"settings"`
	Tuned     float32         `json:"tuned,omitempty"`     // threshold that the choosing part alone would have set
	Speedup   float64         `json:"speedup"`             // on the confirming part
	Fits      bool            `json:"fits"`                // it holds the budget there
	Candidate bool            `json:"candidate,omitempty"` // the pack was chosen among these
	Missing   string          `json:"missing,omitempty"`   // why it could not be tuned
}

// player makes a rival with its settings ready to play; an error says which net is missing.
func (t *Table) player(r rival, s Setup) (*player, error) {
	p := &player{table: t, feedback: r.feedback, always: r.nets == roleFull, static: r.static, oracle: r.oracle, belady: r.belady}
	p.nets.full, p.nets.selector, p.nets.glances = t.full(), t.selector(), t.glances
	if s.Settings.Teacher == policy.Selector && p.nets.selector == nil {
		return nil, errors.New("no selector among the nets")
	}
	if err := p.assign(r, s); err != nil {
		return nil, err
	}
	p.policy = policy.Policy{Settings: s.Settings, Classes: len(t.classes), FullTemperature: t.full().Temperature, Specialists: p.roles()}
	if r.live {
		for _, c := range p.nets.specialists {
			p.policy.Cost = max(p.policy.Cost, float32(c.us/t.full().us))
		}
	}
	if s.Settings.AuditRate > 0 {
		p.coin = &coin{Coin: audit.NewCoin([]byte("simulated streams"))}
	}
	if r.isOracle() {
		p.knows = knows(p.policy.Specialists, len(t.classes))
	}
	if p.nets.selector != nil {
		p.policy.SelectorTemperature = p.nets.selector.Temperature
	}
	if t.ranked && p.policy.Ranks() {
		p.many, p.ranked = policy.NewMany(&p.policy), ranked{lookup: &p.nets, places: t.places, role: r.nets}
		if r.nets == masks {
			p.ranked.role = roleSpecialist
		}
	}
	return p, nil
}

// assign sets the nets that the rival caches.
func (p *player) assign(r rival, s Setup) error {
	t := p.table
	switch r.nets {
	case roleFull:
		p.nets.specialists = []*column{t.full()}
		return nil
	case roleSpecialist, roleContext:
		if p.nets.specialists = t.role(r.nets); len(p.nets.specialists) == 0 {
			return fmt.Errorf("no %ss among the nets", r.nets)
		}
		return nil
	}
	small := t.role(roleSmall)
	at := slices.IndexFunc(small, func(c *column) bool { return c.SHA256 == s.Small })
	if at < 0 {
		return errors.New("its small net is not among the nets")
	}
	p.nets.specialists = small[at : at+1]
	if r.nets == masks {
		if p.nets.groups = t.groups(); len(p.nets.groups) == 0 {
			return errors.New("no specialists among the nets")
		}
		p.nets.specialists = slices.Repeat(p.nets.specialists, len(p.nets.groups))
	}
	return nil
}

// roles says what the outputs of the cached nets mean.
func (p *player) roles() []policy.Specialist {
	var all []policy.Specialist
	for i, c := range p.nets.specialists {
		role := policy.Specialist{Classes: c.Classes, Other: c.Other, Temperature: c.Temperature, Ready: true}
		if p.nets.groups != nil {
			role.Classes, role.Other = p.nets.groups[i], true
		}
		all = append(all, role)
	}
	return all
}
