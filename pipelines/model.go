package pipelines

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/transforms"
)

// policySet is how rows name a policy of which settings were replaced.
const policySet = "set"

// model settles which nets and settings the run uses. Later steps override earlier ones.
func (o Options) model(p *models.Pack) (transforms.Model, error) {
	m := transforms.Model{PackDir: p.Dir, PackSHA256: p.SHA256, Policy: p.Policy, PolicyName: o.Policy, Depot: o.depot(), CacheBytes: cmp.Or(o.CacheBytes, o.ModelMemory), Provider: o.Provider}
	if o.audited(p) {
		m.Policy = *p.Audited
	}
	if o.PolicyFile != "" {
		f, err := models.ReadPolicyFile(o.PolicyFile, p)
		if err != nil {
			return m, err
		}
		m.Policy, m.PolicyName = f.Policy, f.ID
	}
	o.placeFull(p, &m.Policy)
	if err := o.choosePolicy(p, &m); err != nil {
		return m, err
	}
	if err := o.replaceSettings(p, &m); err != nil {
		return m, err
	}
	if o.Server != nil {
		m.Policy.Teacher, m.Offload, m.Shrink = policy.Feedback, o.Server.offload(), !o.Server.Whole
		m.Policy.Fuse = cmp.Or(float32(o.Server.Fuse), m.Policy.Fuse)
	}
	if err := o.provisional(&m); err != nil {
		return m, err
	}
	if err := o.similar(&m.Policy); err != nil {
		return m, err
	}
	return m, o.trust(&m.Policy)
}

// audited reports whether the pack's settings for runs with audits apply. They were calibrated with audits at the default rate and with
// confirmations, which find some of the wrong answers that these settings let pass: so not where fewer hits are audited, where the full model
// answers elsewhere or too late to confirm, nor with a guard or settings of the user, which would be mixed with them; and not with a limit on
// false hits, since more hits differ from the full model, though no more are wrong.
func (o Options) audited(p *models.Pack) bool {
	return p.Audited != nil && o.AuditRate >= DefaultAuditRate && o.Policy == PolicyPack && o.Full != FullTransform && o.Server == nil && !o.Guard && len(o.Set) == 0 && o.MaxFalseHits == 0
}

// placeFull chooses where the full model runs, which decides who teaches the window.
func (o Options) placeFull(p *models.Pack, s *policy.Settings) {
	switch o.Full {
	case FullInline:
		s.Teacher = policy.Inline
	case FullTransform:
		if p.Routed != nil && p.Policy.Teacher != policy.Selector {
			*s = *p.Routed
		}
		s.Teacher = policy.Selector
	}
}

// choosePolicy chooses the policy by name.
func (o Options) choosePolicy(p *models.Pack, m *transforms.Model) error {
	switch o.Policy {
	case PolicyPack:
		if o.Guard && p.Guarded == nil {
			return fmt.Errorf("--guard: pack %s was not calibrated for it: build the pack again", p.ID())
		}
		if o.Guard {
			m.Policy.Guard = p.Guarded.Guard
		}
	case PolicyPaper:
		if p.Paper == nil {
			return fmt.Errorf("--policy paper: pack %s has no settings for it: build the pack with specialists", p.ID())
		}
		teacher := m.Policy.Teacher
		m.Policy = *p.Paper
		if o.Full != FullAsPack {
			m.Policy.Teacher = teacher
		}
	case PolicyFull:
		m.Policy.Kind = policy.Full
		if o.Full == FullAsPack {
			m.Policy.Teacher = policy.Selector // in a transform of its own the model gets batches
		}
	case PolicySmall:
		m.Global = true
		m.Policy.Kind, m.Policy.Score, m.Policy.Threshold, m.Policy.Alpha, m.Policy.Guard = policy.Window, policy.Confidence, 0, 1, 0
	}
	return nil
}

// replaceSettings replaces single settings.
func (o Options) replaceSettings(p *models.Pack, m *transforms.Model) error {
	if len(o.Set) == 0 {
		return nil
	}
	set, err := m.Policy.With(o.Set)
	if err != nil {
		return fmt.Errorf("--set %w", err)
	}
	if set.AuditRate != m.Policy.AuditRate {
		return errors.New("--set audit_rate: use --audit-rate")
	}
	if err := set.Validate(len(p.Specialists), p.Selector != nil); err != nil {
		return fmt.Errorf("--set: %w", err)
	}
	m.Policy, m.PolicyName = set, policySet
	return nil
}
