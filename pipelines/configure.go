package pipelines

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/transforms"
)

// configure checks the options and the pack. It makes no request over the network.
func configure(o Options) (c config, err error) {
	c.Options, c.again = o, configure
	if err := o.validate(); err != nil {
		return c, err
	}
	if c.runner, err = chooseRunner(o); err != nil {
		return c, err
	}
	dir, err := filepath.EvalSymlinks(o.Pack) // a link may point elsewhere tomorrow, and the nets of today are still read
	if err != nil {
		dir = o.Pack // the error of opening it says more
	}
	pack, err := transforms.Model{PackDir: dir, Depot: o.depot()}.Pack()
	if err != nil {
		return c, err
	}
	if c.model, err = o.model(pack); err != nil {
		return c, err
	}
	if !c.runner.elsewhere { // else the workers' machines have the accelerator
		pack.FullOn = o.Provider
	}
	if err := VerifyPack(pack); err != nil {
		return c, err
	}
	c.pack = pack.ID()
	if c.shape, err = shapeOf(pack, c.model); err != nil {
		return c, err
	}
	c.nets, err = netsOf(pack, c.model)
	return c, err
}

// verified names a pack that was verified: what its manifest says, and what its full model runs on.
type verified struct{ dir, manifest, on string }

// VerifyPack verifies a pack that was just opened, once in a process while its manifest stays the same, checksums
// included: the demo runs one pack several times.
func VerifyPack(p *models.Pack) error {
	manifest, err := json.Marshal(p.Manifest)
	if err != nil {
		return fmt.Errorf("verify pack %s: %w", p.Dir, err)
	}
	_, err = session.Shared(verified{p.Dir, string(manifest), string(p.FullOn)}, func() (bool, error) { return true, p.Verify() })
	return err
}

// netsOf names the nets of a pack and what decides about them.
func netsOf(p *models.Pack, m transforms.Model) (string, error) {
	shas := []string{p.Full.SHA256}
	for _, n := range p.Specialists {
		shas = append(shas, n.SHA256)
	}
	decides := learns(m.Policy)
	if p.Audited != nil && decides == learns(*p.Audited) {
		decides = learns(p.Policy) // what was learned with audits holds without them
	}
	text, err := json.Marshal(map[string]any{"pack": p.ID(), "nets": shas, "policy": decides, "global": m.Global})
	if err != nil {
		return "", fmt.Errorf("name the nets of pack %s: %w", p.ID(), err)
	}
	return string(text), nil
}

// learns are the settings that what streams have learned depends on: it holds whatever is audited, repeated or fused.
func learns(s policy.Settings) policy.Settings {
	s.AuditRate, s.Similar, s.SimilarMs, s.Fuse = 0, 0, 0, 0
	return s
}
