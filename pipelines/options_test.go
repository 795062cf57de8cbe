package pipelines

import (
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// The nets a run uses, and the settings, follow from the pack and what was asked for.
func TestTheModelThatOptionsAskFor(t *testing.T) {
	own := policy.Settings{Kind: policy.Window, Threshold: 0.6, Teacher: policy.Inline}
	routed := policy.Settings{Kind: policy.Window, Threshold: 0.8, Teacher: policy.Selector}
	guarded := own
	guarded.Guard = 0.05
	pack := &models.Pack{Manifest: models.Manifest{Name: "p", Version: "1", Policy: own, Routed: &routed, Guarded: &guarded}}
	bare := &models.Pack{Manifest: models.Manifest{Name: "p", Version: "1", Policy: own}}
	bareRouted := own
	bareRouted.Teacher = policy.Selector
	for name, c := range map[string]struct {
		pack    *models.Pack
		options Options
		want    policy.Settings
		err     string
	}{
		"the pack's own":              {pack, Options{}, own, ""},
		"inline":                      {pack, Options{Full: FullInline}, own, ""},
		"transform, calibrated":       {pack, Options{Full: FullTransform}, routed, ""},
		"transform, not calibrated":   {bare, Options{Full: FullTransform}, bareRouted, ""},
		"guard":                       {pack, Options{Guard: true}, guarded, ""},
		"guard of a pack without one": {bare, Options{Guard: true}, own, "--guard"},
		"memory below nothing":        {pack, Options{ModelMemory: -1}, own, "--model-memory"},
		"guard of another policy":     {pack, Options{Guard: true, Policy: PolicyFull}, own, "--guard"},
	} {
		m, err := c.options.model(c.pack)
		switch {
		case c.err == "" && (err != nil || m.Policy != c.want):
			t.Errorf("%s: %+v, %v; want %+v", name, m.Policy, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestModelMemoryReachesTheNets(t *testing.T) {
	pack := &models.Pack{Manifest: models.Manifest{Policy: policy.Settings{Kind: policy.Window}}}
	if m, err := (Options{ModelMemory: 1 << 20}).model(pack); err != nil || m.CacheBytes != 1<<20 {
		t.Errorf("%+v, %v", m, err)
	}
}
