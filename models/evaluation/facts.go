package evaluation

import (
	"fmt"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// Answers are what one net said of frames that were recorded elsewhere.
type Answers struct {
	Logits []float32 // one for each class, of each frame
	Us     float64   // for one frame
}

// Facts are recorded answers of a full model and of a small net of all classes.
type Facts struct {
	Name        string
	Labels      []int // of the frames, 0 … Classes-1
	Classes     int
	Fit, Tracks []Track // sequences that temperatures are fitted on, and those that streams are drawn from
	Full, Small Answers
	Policy      policy.Settings
}

// Table returns the facts as a table, and as much of a pack as policies need to be played.
func (f Facts) Table() (*Table, *models.Pack, error) {
	t := &Table{labels: f.Labels, tracks: tracksOf(f.Tracks)}
	for c := range f.Classes {
		t.classes = append(t.classes, fmt.Sprint(c))
	}
	for _, n := range []struct {
		role string
		Answers
	}{{roleFull, f.Full}, {roleSmall, f.Small}} {
		if len(n.Logits) != len(f.Labels)*f.Classes {
			return nil, nil, fmt.Errorf("facts %s: %d logits of the %s net for %d frames of %d classes", f.Name, len(n.Logits), n.role, len(f.Labels), f.Classes)
		}
		c := column{outputs: f.Classes, logits: n.Logits, us: n.Us}
		c.Role, c.SHA256, c.File, c.Temperature = n.role, n.role, n.role, 1
		t.fitTemperature(&c, tracksOf(f.Fit))
		t.nets = append(t.nets, c)
	}
	t.finish()
	p := &models.Pack{Manifest: models.Manifest{Name: f.Name, Version: "recorded", Policy: f.Policy, Specialists: []models.NetEntry{t.nets[1].NetEntry}}}
	return t, p, t.settle()
}
