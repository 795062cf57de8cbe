package transforms

import (
	"fmt"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// Model says which pack the transforms use and how; it travels with the pipeline.
type Model struct {
	PackDir  string          // folder of the pack, the same on every worker
	Policy   policy.Settings // the pack's own, or what the user asked for instead
	Global   bool            // use the pack's global small net as the only specialist (baselines)
	Resident int             // specialists in memory at once, 0: all
	Job      string          // id of the job, for its Memory and its Watch; empty: none
}

// nets is a pack ready to answer, shared by all DoFns of a process that use the same Model.
type nets struct {
	pack   *models.Pack
	zoo    *models.Zoo
	policy *policy.Policy
	sha    map[string]string // net name → sha256
}

// open returns the nets of the model, opening the pack the first time: a runner makes many instances of a DoFn, and
// each must not load the pack again. A failure is not remembered.
func (m Model) open() (*nets, error) {
	m.Job = "" // jobs share nets
	return session.Shared(m, m.load)
}

func (m Model) load() (*nets, error) {
	pack, err := models.OpenPack(m.PackDir)
	if err != nil {
		return nil, err
	}
	pack.Manifest = pack.For(m.Policy.Kind)
	if m.Global {
		small, ok := pack.Global()
		if !ok {
			return nil, fmt.Errorf("pack %s: holds no global small net", m.PackDir)
		}
		pack.Specialists = []models.NetEntry{small}
	}
	if err := m.Policy.Validate(len(pack.Specialists), pack.Selector != nil); err != nil {
		return nil, fmt.Errorf("pack %s: policy: %w", m.PackDir, err)
	}
	n := &nets{pack: pack, zoo: models.NewZoo(pack, m.Resident), policy: pack.PolicyWith(m.Policy), sha: map[string]string{}}
	n.sha[models.FullNet] = pack.Full.SHA256
	for i, s := range pack.Specialists {
		n.sha[models.SpecialistNet(i)] = s.SHA256
	}
	return n, nil
}

// frameNets answers about one frame and keeps the time each net took; it is the policy's view of the models.
type frameNets struct {
	*nets
	pixels                           []byte
	specialistUs, selectorUs, fullUs float32
}

func (f *frameNets) Specialist(i int) ([]float32, error) {
	return f.run(models.SpecialistNet(i), f.pack.Specialists[i], &f.specialistUs)
}

func (f *frameNets) Selector() ([]float32, error) {
	return f.run(models.SelectorNet, *f.pack.Selector, &f.selectorUs)
}

func (f *frameNets) Full() ([]float32, error) {
	return f.run(models.FullNet, f.pack.Full, &f.fullUs)
}

func (f *frameNets) run(name string, e models.NetEntry, us *float32) ([]float32, error) {
	logits, took, err := f.zoo.Run(name, e, f.pixels, 1)
	*us += micros(took)
	return logits, err
}

func micros(d time.Duration) float32 { return float32(d.Nanoseconds()) / 1000 }
