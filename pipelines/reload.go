package pipelines

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/transforms"
)

// watchPack asks the job to end when the folder of the pack holds another version that can be used, and returns
// what the next job runs with. A version that cannot be used is refused with one line, and looked at again: it may not be
// whole yet.
func watchPack(ctx context.Context, c config, next chan<- config, ask context.CancelCauseFunc) {
	tick := time.NewTicker(cmp.Or(c.Watch, defaultWatch))
	defer tick.Stop()
	told := ""
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-c.Reload:
			asked = true
		case <-tick.C:
		}
		if !c.packChanged() {
			if asked {
				slog.Warn("the pack is reloaded: it is the same version, nothing changes", "pack", c.pack)
			}
			continue
		}
		other, err := c.reload()
		if err != nil {
			if text := err.Error(); asked || text != told {
				slog.Warn("the new version of the pack is refused, the run goes on with the old one", "pack", c.pack, "error", err)
				told = text
			}
			continue
		}
		next <- other
		ask(reasonReloaded)
		return
	}
}

// packChanged reports whether the manifest in the folder of the pack is another one than that of the run.
func (c config) packChanged() bool {
	text, err := os.ReadFile(filepath.Join(c.Pack, models.ManifestFile))
	if err != nil { // it may be half written; a job that needs it reports the error
		return false
	}
	return models.Digest(text) != c.model.PackSHA256
}

// reload makes the config of a run with the present version of the pack.
func (c config) reload() (config, error) {
	other, err := c.again(c.Options)
	if err != nil {
		return c, err
	}
	other.model.Secret = c.model.Secret
	other.heirs = nil
	if c.shape == other.shape {
		other.heirs = append(slices.Clone(c.heirs), c.nets)
	}
	return other, nil
}

// shapeOf names what the state of a stream is made for: the classes, and those of each specialist.
func shapeOf(p *models.Pack, m transforms.Model) (string, error) {
	m0 := p.For(m.Policy.Kind)
	groups := [][]int{}
	for _, n := range m0.Specialists {
		groups = append(groups, n.Classes)
	}
	text, err := json.Marshal(map[string]any{"classes": p.Classes, "groups": groups, "global": m.Global, "kind": m.Policy.Kind})
	return string(text), err
}
